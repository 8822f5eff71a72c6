//! What is said of gates, their applications and the publisher.

macro_rules! gate {
    ([$next:ident $($rest:ident)*] $($before:tt)*) => { $next! { [$($rest)*] $($before)*

    // ---- gate ----
    AuthorityFileUnreadable { path }
        en "{path} holds no CA certificate in PEM" => "Set CA_CRT to the ca.crt that came with the server certificate."
        ja "{path} にはPEM形式のCA証明書が入っていません" => "CA_CRT に、サーバ証明書と一緒に入っていた ca.crt を指定してください。"
    NotAnAuthority { path, position }
        en "certificate {position} in {path} is not a CA certificate" => "Set CA_CRT to the ca.crt that came with the server certificate."
        ja "{path} の {position} 番目の証明書は、CA証明書ではありません" => "CA_CRT に、サーバ証明書と一緒に入っていた ca.crt を指定してください。"
    AuthorityUnsupported { path, position }
        en "certificate {position} in {path} has a key or structure that is not accepted" => "Use a CA with a P-256, P-384 or Ed25519 key, or RSA of 2048, 3072 or 4096 bits."
        ja "{path} の {position} 番目の証明書は、対応していない鍵または構造です" => "鍵が P-256、P-384、Ed25519、または 2048・3072・4096 ビットの RSA である認証局を使ってください。"
    ServerCertificateUnreadable { path }
        en "{path} holds no certificate in PEM" => "Set SERVER_CRT to the .crt file of the server certificate."
        ja "{path} にはPEM形式の証明書が入っていません" => "SERVER_CRT に、サーバ証明書の .crt ファイルを指定してください。"
    NotForServers { path }
        en "the certificate in {path} is not a server certificate" => "Issue a server certificate (orca-catool issue_server_cert) and set SERVER_CRT to its .crt file."
        ja "{path} の証明書は、サーバ証明書ではありません" => "サーバ証明書を発行し (orca-catool issue_server_cert)、その .crt ファイルを SERVER_CRT に指定してください。"
    ServerKeyUnreadable { path }
        en "{path} holds no private key in PEM" => "Set SERVER_PEM to the .pem file of the server certificate."
        ja "{path} にはPEM形式の秘密鍵が入っていません" => "SERVER_PEM に、サーバ証明書の .pem ファイルを指定してください。"
    ServerKeyEncrypted { path, plain }
        en "the private key in {path} is protected by a passphrase, and nobody is there to type it" => "Set SERVER_PEM to {plain}, the key without a passphrase."
        ja "{path} の秘密鍵にはパスフレーズが設定されているため、起動時に読み込めません" => "SERVER_PEM に、パスフレーズのない秘密鍵 {plain} を指定してください。"
    ServerKeyMismatch { key, certificate }
        en "the private key in {key} does not belong to the certificate in {certificate}" => "Set SERVER_CRT and SERVER_PEM to the .crt and .pem of one and the same certificate."
        ja "{key} の秘密鍵は、{certificate} の証明書のものではありません" => "SERVER_CRT と SERVER_PEM に、同じ証明書の .crt と .pem を指定してください。"
    RevocationListUnusable { path, reason_en, reason_ja }
        en "{path} is not enforced: {reason_en}" => "Issue a revocation list with the CA of CA_CRT (orca-catool issue_crl) and put it there."
        ja "{path} は使えません: {reason_ja}" => "CA_CRT の認証局で破棄リストを発行し (orca-catool issue_crl)、その場所に置いてください。"
    RevocationListExpired { path, since }
        en "the revocation list {path} expired on {since}" => "Issue a new one (orca-catool issue_crl), then start again."
        ja "破棄リスト {path} は {since} に期限が切れています" => "新しい破棄リストを発行して (orca-catool issue_crl)、もう一度起動してください。"
    RevocationListTwice { path }
        en "{path} is a second revocation list of the same CA" => "Give one --crl for each CA, the newest."
        ja "{path} は同じ認証局の2つ目の CRL です" => "--crl は認証局ごとに1つ、最新のものだけを指定してください。"
    RevocationListOlder { path, number, in_force }
        en "the revocation list {path} (number {number}) is older than the one in force (number {in_force})" => "Put the newest list back in its place."
        ja "破棄リスト {path} (番号 {number}) は、使用中のもの (番号 {in_force}) より古いものです" => "最新の破棄リストを置き直してください。"
    ListenAddressInvalid { address }
        en "{address} is not an address with a port" => "Give an address and a port, such as 0.0.0.0:8000 or [::]:8000."
        ja "{address} は「アドレス:ポート」の形ではありません" => "0.0.0.0:8000 や [::]:8000 のように、アドレスとポートを指定してください。"
    ListenFailed { address, reason }
        en "cannot listen at {address}: {reason}" => "Check whether another program uses the port (ss -ltnp), or choose another with --listen."
        ja "{address} で待ち受けできません: {reason}" => "別のプログラムがそのポートを使っていないか確認するか (ss -ltnp)、--listen で別のポートを指定してください。"
    UpstreamInvalid { url }
        en "{url} is not the URL of an application that can be put behind the gate" => "Give only its address, such as http://127.0.0.1:8001 or unix:/run/application.sock."
        ja "{url} は、転送先のURLとして使えません" => "http://127.0.0.1:8001 や unix:/run/application.sock のように、転送先だけを指定してください。"
    UpstreamInClearText { url }
        en "{url} is another machine, and the connection to it would not be encrypted" => "Run the gate on that machine, or accept the risk with --allow-clear-text-upstream (in sekisho.toml: allow_clear_text_upstream = true)."
        ja "{url} は別のサーバのため、そこまでの通信が暗号化されません" => "そのサーバで sekisho を動かしてください。危険を承知で使う場合は --allow-clear-text-upstream (sekisho.toml では allow_clear_text_upstream = true) を指定してください。"
    SignalsUnavailable { reason }
        en "the system lets this program receive no signals: {reason}" => "Check the limits of the service, then try again."
        ja "シグナルを受け取れません: {reason}" => "サービスの制限を確認して、もう一度実行してください。"

    // ---- gate: the way to the upstream ----
    UpstreamNotForHttp { url }
        en "{url} is for plain TCP, but this gate forwards HTTP" => "Give an http://, https:// or unix: upstream, or set the gate's mode to tcp."
        ja "{url} はHTTPの転送先ではありませんが、この関所はHTTPを中継します" => "転送先を http://、https://、unix: のいずれかにするか、関所の mode を tcp にしてください。"
    UpstreamNotForTcp { url }
        en "{url} is for HTTP, but this gate forwards plain TCP (mode tcp)" => "Give a tcp://, tls:// or unix: upstream, or set the gate's mode to http."
        ja "{url} はHTTPの転送先ですが、この関所は mode が tcp のため、通信をそのまま中継します" => "転送先を tcp://、tls://、unix: のいずれかにするか、関所の mode を http にしてください。"
    UpstreamAuthorityMissing { url }
        en "nothing says which CA the certificate of {url} must come from" => "Name the file of that CA's certificate: upstream_ca."
        ja "{url} の証明書がどの認証局のものか、指定がありません" => "転送先の認証局の証明書ファイルを upstream_ca に指定してください。"
    UpstreamTlsUnused { url }
        en "TLS is set for the upstream, but the connection to {url} is not encrypted" => "Give an https:// or tls:// upstream, or remove the TLS settings of the upstream."
        ja "転送先のTLSが設定されていますが、{url} への通信は暗号化されません" => "転送先を https:// か tls:// にするか、転送先のTLSの設定を取り除いてください。"
    UpstreamAuthorityUnreadable { path }
        en "{path} holds no CA certificate in PEM" => "Give the certificate of the CA that issued the application's server certificate."
        ja "{path} にはPEM形式の認証局の証明書が入っていません" => "アプリケーションのサーバ証明書を発行した認証局の証明書を指定してください。"
    UpstreamClientUnreadable { path }
        en "{path} holds no certificate in PEM that can be shown to the application" => "Give the .crt file of a client certificate."
        ja "{path} には、アプリケーションに提示できるPEM形式の証明書が入っていません" => "クライアント証明書の .crt ファイルを指定してください。"
    UpstreamClientKeyUnusable { path }
        en "{path} holds no private key in PEM without a passphrase" => "Give the .pem file of the client certificate, not the .enc.pem."
        ja "{path} には、パスフレーズのないPEM形式の秘密鍵が入っていません" => "クライアント証明書の .pem ファイルを指定してください (.enc.pem は使えません)。"
    UpstreamClientMismatch { key, certificate }
        en "the private key in {key} does not belong to the certificate in {certificate}" => "Give the .crt and .pem of one and the same client certificate."
        ja "{key} の秘密鍵は、{certificate} の証明書のものではありません" => "同じクライアント証明書の .crt と .pem を指定してください。"

    // ---- gate: live revocation ----
    GateWithoutAuthority { gate }
        en "gate {gate} takes its certificates from the authority, and no authority is running with it" => "Serve it from a configuration with an [authority], or give it files of its own."
        ja "関所 {gate} は証明書を認証局から受け取る設定ですが、認証局が一緒に動いていません" => "[authority] のある設定ファイルで起動するか、関所に証明書のファイルを指定してください。"
    FeedUnavailable { reason }
        en "no thread could be started to listen to the authority: {reason}" => "Check the limits of the service, then try again."
        ja "認証局からの通知を受け取るスレッドを作れません: {reason}" => "サービスの制限を確認して、もう一度実行してください。"

    // ---- publisher ----
    PublishFolderNotOurs { path, user }
        en "the publisher (uid {user}) may not write to {path}" => "Give the folder to that account: chown {user} {path}"
        ja "公開用のプロセス (uid {user}) が {path} に書き込めません" => "次のコマンドでフォルダの所有者を変えてください: chown {user} {path}"
    /// The publisher's process could not be made, or ended before it served.
    PublisherNotStarted { reason }
        en "the publisher's process did not start: {reason}" => "See the lines above; for a service of the package, see also: systemctl status 'sekisho-*.socket' and journalctl -u 'sekisho-publisher@*'. Otherwise check that the machine has memory and processes to spare."
        ja "公開用のプロセスを起動できません: {reason}" => "上の行を確かめてください。パッケージのサービスの場合は、systemctl status 'sekisho-*.socket' と journalctl -u 'sekisho-publisher@*' も確かめてください。それ以外の場合は、メモリとプロセス数の余裕も確かめてください。"
    } };
}
