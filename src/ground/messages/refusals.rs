//! The refusals: what is wrong and why, then what to do next.

use crate::ground::files::{FileError, FileProblem};
use crate::ground::untrusted::Untrusted;

refusals! {
    // ---- files ----
    FileMissing { path }
        en "{path} does not exist" => "Check the path and its spelling."
        ja "{path} がありません" => "パスの綴りを確認してください。"
    FileExists { path }
        en "{path} exists already and is not replaced" => "Move it away or choose another name, then try again."
        ja "{path} はすでに存在するため、上書きしません" => "別の場所に移すか別の名前を指定して、もう一度実行してください。"
    FileIsSymbolicLink { path }
        en "{path} is a symbolic link, and is not followed" => "Put a real file or folder in its place, then try again."
        ja "{path} はシンボリックリンクのため、使いません" => "実体のファイルまたはフォルダに置き換えて、もう一度実行してください。"
    FileIsNotAFile { path }
        en "{path} is not a regular file" => "Give the path of a file."
        ja "{path} は通常のファイルではありません" => "ファイルのパスを指定してください。"
    FileIsNotAFolder { path }
        en "{path} is not a folder" => "Move it away or choose another folder, then try again."
        ja "{path} はフォルダではありません" => "移動するか別のフォルダを指定して、もう一度実行してください。"
    FileOfAnotherUser { path, owner }
        en "{path} belongs to another user (uid {owner})" => "Run as that user, or without sudo; with sudo, use `sudo -H`."
        ja "{path} は別のユーザ (uid {owner}) のものです" => "そのユーザで、または sudo なしで実行してください。sudo を使うときは `sudo -H` とします。"
    FileModeTooOpen { path, mode }
        en "{path} is open to other users (mode {mode})" => "Close it, then try again: chmod go= {path}"
        ja "{path} は他のユーザからも使える状態です (モード {mode})" => "次のコマンドで閉じてから、もう一度実行してください: chmod go= {path}"
    FileTooLarge { path, limit }
        en "{path} is larger than the {limit} bytes allowed here" => "Check that it is the right file."
        ja "{path} がここでの上限 {limit} バイトを超えています" => "正しいファイルか確認してください。"
    DiskFull { path }
        en "the disk is full; {path} was not written" => "Free some space, then try again. Nothing was changed."
        ja "ディスクがいっぱいのため、{path} を書き込めません" => "空きを作ってからもう一度実行してください。何も変更していません。"
    FileDenied { path }
        en "no permission for {path}" => "Check its owner and mode, or run as the user it belongs to."
        ja "{path} を使う権限がありません" => "所有者とモードを確認するか、所有者のユーザで実行してください。"
    FileSystemError { path, reason }
        en "the system refused {path}: {reason}" => "Check the disk and the system log, then try again."
        ja "{path} をシステムが拒否しました: {reason}" => "ディスクとシステムログを確認して、もう一度実行してください。"

    // ---- pki: names ----
    NameEmpty {}
        en "the name is empty" => "Give a name of 1 to 64 characters."
        ja "名前が空です" => "1 文字以上 64 文字以内の名前を指定してください。"
    NameTooLong { characters, limit }
        en "the name has {characters} characters; at most {limit} are allowed" => "Give a shorter name."
        ja "名前が {characters} 文字あり、上限の {limit} 文字を超えています" => "短い名前を指定してください。"
    NameSpaceAtEnd {}
        en "a space begins or ends the name" => "Remove the space at the beginning or end."
        ja "名前の先頭または末尾に空白があります" => "先頭と末尾の空白を取り除いてください。"
    NameHiddenCharacter { character }
        en "the name contains a character that cannot be seen ({character})" => "Type the name again instead of pasting it."
        ja "名前に目に見えない文字 ({character}) が含まれています" => "貼り付けずに、名前を入力し直してください。"
    NameCountry {}
        en "the country is not two letters" => "Give the two-letter code, such as JP."
        ja "国名が 2 文字の英字ではありません" => "JP のような 2 文字の国コードを指定してください。"
    NameWildcard {}
        en "a wildcard (*) is not allowed in a server name" => "Issue one certificate for each server name."
        ja "サーバ名にワイルドカード (*) は使えません" => "サーバ名ごとに証明書を発行してください。"
    NameHostName {}
        en "this is not a host name" => "Use letters, digits and hyphens, such as weborca-server; for an IP address use the option for addresses."
        ja "ホスト名として使えない名前です" => "weborca-server のように英数字とハイフンで指定してください。IP アドレスは、IP アドレス用のオプションで指定します。"
    NameAddress {}
        en "this is not an IP address" => "Give an address such as 192.168.1.100."
        ja "IP アドレスではありません" => "192.168.1.100 のような IP アドレスを指定してください。"
    NameEncoding {}
        en "the name cannot be written into a certificate" => "Give another name."
        ja "この名前は証明書に書き込めません" => "別の名前を指定してください。"

    // ---- pki: certificates ----
    CertificateTooLarge { limit }
        en "the certificate is larger than {limit} bytes" => "Check that it is the right file."
        ja "証明書が {limit} バイトを超えています" => "正しいファイルか確認してください。"
    CertificatesTooMany { limit }
        en "the file holds more than {limit} certificates" => "Give a file with one certificate and its chain only."
        ja "ファイルに {limit} 個を超える証明書が入っています" => "1 つの証明書とその中間証明書だけのファイルを指定してください。"
    CertificateMalformed {}
        en "this is not a valid X.509 certificate" => "Check that it is the right file (.crt) and that it was copied completely."
        ja "X.509 証明書として読み取れません" => "正しいファイル (.crt) か、最後までコピーされているか確認してください。"
    CertificateMissing {}
        en "the file holds no certificate" => "Check that it is the right file (.crt)."
        ja "ファイルに証明書が入っていません" => "正しいファイル (.crt) か確認してください。"
    CertificateOtherIssuer {}
        en "the certificate was issued by another CA" => "Give the certificate of the CA that issued it, or issue a new one here."
        ja "別の認証局が発行した証明書です" => "発行した認証局の証明書を指定するか、この認証局で発行し直してください。"
    CertificateIssuerIsNoAuthority {}
        en "the certificate given as the issuer is not a CA certificate" => "Give the CA certificate (ca.crt)."
        ja "発行者として指定された証明書は、認証局の証明書ではありません" => "認証局の証明書 (ca.crt) を指定してください。"
    CertificateBadSignature {}
        en "the certificate's signature is not that of this CA" => "Do not use this certificate. Find out where it came from."
        ja "証明書の署名がこの認証局のものではありません" => "この証明書は使わないでください。入手元を確認してください。"

    // ---- pki: revocation lists ----
    RevocationListTooLarge { limit }
        en "the revocation list is larger than {limit} bytes" => "Check that it is the right file."
        ja "失効リスト (CRL) が {limit} バイトを超えています" => "正しいファイルか確認してください。"
    RevocationListMissing {}
        en "the file holds no revocation list" => "Check that it is the right file (.crl)."
        ja "ファイルに失効リスト (CRL) が入っていません" => "正しいファイル (.crl) か確認してください。"
    RevocationListMalformed {}
        en "this is not a valid revocation list" => "Check that it is the right file (.crl) and that it was copied completely."
        ja "失効リスト (CRL) として読み取れません" => "正しいファイル (.crl) か、最後までコピーされているか確認してください。"
    RevocationListOtherIssuer {}
        en "the revocation list is not signed by this CA" => "Get the list from the CA that issued the certificates."
        ja "この認証局が署名した失効リスト (CRL) ではありません" => "証明書を発行した認証局から失効リストを入手してください。"
    RevocationListIncomplete {}
        en "the revocation list is not a complete one, or has parts that are not understood" => "Get the full (base) list from the CA."
        ja "失効リスト (CRL) が完全なものではないか、解釈できない部分があります" => "認証局から完全な失効リストを入手してください。"
    RevocationListFromTheFuture { this_update }
        en "the revocation list says it was issued in the future ({this_update})" => "Check the clock of this machine and of the CA."
        ja "失効リスト (CRL) の発行日時が未来 ({this_update}) になっています" => "このコンピュータと認証局の時計を確認してください。"

    // ---- pki: issuing ----
    IssueEndsBeforeItBegins {}
        en "the certificate would end before it begins" => "Give a longer validity."
        ja "証明書の有効期限が開始日時より前になります" => "有効期間を長く指定してください。"
    IssueBeginsBeforeIssuer { date }
        en "the certificate would begin before the CA certificate does ({date})" => "Check the clock of this machine."
        ja "証明書の開始日時が認証局の証明書の開始日時 ({date}) より前になります" => "このコンピュータの時計を確認してください。"
    IssueOutlivesIssuer { date }
        en "the certificate would outlive the CA certificate, which ends on {date}" => "Give a validity that ends by then, or make a new CA."
        ja "証明書の有効期限が、認証局の証明書の有効期限 ({date}) を超えます" => "その日までに終わる有効期間を指定するか、新しい認証局を作成してください。"
    IssuePublicKey {}
        en "the public key is of a kind that is not accepted" => "Use ECDSA P-256 or P-384, RSA of 2048, 3072 or 4096 bits, or Ed25519."
        ja "受け付けられない種類の公開鍵です" => "ECDSA P-256 または P-384、RSA 2048 / 3072 / 4096 ビット、Ed25519 のいずれかを使ってください。"
    IssueIssuerMayNotSign {}
        en "this CA certificate may not sign this certificate" => "Choose a CA that issues certificates of this kind."
        ja "この認証局の証明書では、この証明書に署名できません" => "この種類の証明書を発行できる認証局を選んでください。"
    IssueServerNames { names }
        en "a server certificate needs 1 to 100 names; {names} were given" => "Give the host names or IP addresses that browsers open."
        ja "サーバ証明書の名前は 1 個から 100 個までです ({names} 個指定されました)" => "ブラウザで開くホスト名または IP アドレスを指定してください。"
    IssueFailed {}
        en "the certificate could not be signed" => "Nothing was issued. Check that the vault belongs to this CA, then try again."
        ja "証明書に署名できませんでした" => "何も発行していません。鍵の保管庫がこの認証局のものか確認して、もう一度実行してください。"

    // ---- pki: requests, keys and bundles ----
    RequestTooLarge { limit }
        en "the certificate request is larger than {limit} bytes" => "Check that it is the right file (.csr)."
        ja "証明書署名要求 (CSR) が {limit} バイトを超えています" => "正しいファイル (.csr) か確認してください。"
    RequestMalformed {}
        en "this is not a valid certificate request" => "Check that it is the right file (.csr) and that it was copied completely."
        ja "証明書署名要求 (CSR) として読み取れません" => "正しいファイル (.csr) か、最後までコピーされているか確認してください。"
    RequestNoProofOfPossession {}
        en "the certificate request is not signed with its own key" => "Have the request made again on the device that holds the key."
        ja "証明書署名要求 (CSR) が、その鍵自身で署名されていません" => "鍵を持つ端末で、証明書署名要求を作り直してください。"
    KeyMalformed {}
        en "this is not a readable private key" => "Check that it is the right file (.pem) and that it was copied completely."
        ja "秘密鍵として読み取れません" => "正しいファイル (.pem) か、最後までコピーされているか確認してください。"
    KeyUnsupportedAlgorithm {}
        en "the private key is of a kind that is not accepted" => "Use ECDSA P-256 or P-384, RSA of 2048, 3072 or 4096 bits, or Ed25519."
        ja "受け付けられない種類の秘密鍵です" => "ECDSA P-256 または P-384、RSA 2048 / 3072 / 4096 ビット、Ed25519 のいずれかを使ってください。"
    KeyEncrypted {}
        en "the private key is protected by a passphrase" => "Use the file without a passphrase (.pem, not .enc.pem)."
        ja "秘密鍵にパスフレーズが設定されています" => "パスフレーズのないファイル (.enc.pem ではなく .pem) を使ってください。"
    KeyUnavailable {}
        en "the key could not be made or used" => "Try again. If it happens again, check this machine."
        ja "鍵を作成または使用できませんでした" => "もう一度実行してください。繰り返す場合は、このコンピュータを点検してください。"
    BundleOtherKey {}
        en "the certificate and the private key do not belong together" => "Choose the key that was made for this certificate."
        ja "証明書と秘密鍵の組み合わせが一致しません" => "この証明書のために作られた秘密鍵を指定してください。"
    BundlePassphrase {}
        en "the passphrase is empty or has characters other than ASCII" => "Use letters, digits and ASCII symbols."
        ja "パスフレーズが空か、半角英数字と記号以外の文字が含まれています" => "半角の英数字と記号だけで指定してください。"

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
        ja "{path} は使えません: {reason_ja}" => "CA_CRT の認証局で失効リストを発行し (orca-catool issue_crl)、その場所に置いてください。"
    RevocationListExpired { path, since }
        en "the revocation list {path} expired on {since}" => "Issue a new one (orca-catool issue_crl), then start again."
        ja "失効リスト {path} は {since} に期限が切れています" => "新しい失効リストを発行して (orca-catool issue_crl)、もう一度起動してください。"
    RevocationListOlder { path, number, in_force }
        en "the revocation list {path} (number {number}) is older than the one in force (number {in_force})" => "Put the newest list back in its place."
        ja "失効リスト {path} (番号 {number}) は、使用中のもの (番号 {in_force}) より古いものです" => "最新の失効リストを置き直してください。"
    ListenAddressInvalid { address }
        en "{address} is not an address with a port" => "Give an address and a port, such as 0.0.0.0:8000 or [::]:8000."
        ja "{address} は「アドレス:ポート」の形ではありません" => "0.0.0.0:8000 や [::]:8000 のように、アドレスとポートを指定してください。"
    ListenFailed { address, reason }
        en "cannot listen at {address}: {reason}" => "Check whether another program uses the port (ss -ltnp), or choose another with --listen."
        ja "{address} で待ち受けできません: {reason}" => "別のプログラムがそのポートを使っていないか確認するか (ss -ltnp)、--listen で別のポートを指定してください。"
    UpstreamInvalid { url }
        en "{url} is not the URL of an application that can be put behind the gate" => "Give its origin alone, such as http://127.0.0.1:8001."
        ja "{url} は、転送先のURLとして使えません" => "http://127.0.0.1:8001 のように、ホストとポートだけを指定してください。"
    UpstreamInClearText { url }
        en "{url} is another machine, and the way there would not be encrypted" => "Run the gate on that machine, or accept the risk with --allow-clear-text-upstream."
        ja "{url} は別のサーバのため、そこまでの通信が暗号化されません" => "そのサーバで sekisho を動かしてください。危険を承知で使う場合は --allow-clear-text-upstream を付けてください。"
    SignalsUnavailable { reason }
        en "the system gives no signals: {reason}" => "Check the limits of the service, then try again."
        ja "シグナルを受け取れません: {reason}" => "サービスの制限を確認して、もう一度実行してください。"

    // ---- config: jma-receipt.conf ----
    ConfigurationLineInvalid { path, line }
        en "line {line} of {path} is not KEY=VALUE" => "Correct the line, or put # before it."
        ja "{path} の {line} 行目が「キー=値」の形ではありません" => "その行を直すか、行頭に # を付けてください。"
    ConfigurationNotText { path }
        en "{path} is not a text file in UTF-8" => "Check that it is the right file."
        ja "{path} はUTF-8のテキストファイルではありません" => "正しいファイルか確認してください。"
    ConfigurationKeyMissing { path, keys }
        en "{path} does not set {keys}" => "Add the line: KEY=path of the file."
        ja "{path} に {keys} の設定がありません" => "「キー=ファイルのパス」の行を追加してください。"
}

impl From<FileError> for Refusal {
    fn from(error: FileError) -> Self {
        let path = Untrusted(&error.path.to_string_lossy()).to_string();
        match error.problem {
            FileProblem::Missing => Self::FileMissing { path },
            FileProblem::Exists => Self::FileExists { path },
            FileProblem::SymbolicLink => Self::FileIsSymbolicLink { path },
            FileProblem::NotAFile => Self::FileIsNotAFile { path },
            FileProblem::NotAFolder => Self::FileIsNotAFolder { path },
            FileProblem::ForeignOwner { owner } => {
                Self::FileOfAnotherUser { path, owner: owner.to_string() }
            }
            FileProblem::LooseMode { mode } => {
                Self::FileModeTooOpen { path, mode: format!("{mode:04o}") }
            }
            FileProblem::TooLarge { limit } => {
                Self::FileTooLarge { path, limit: limit.to_string() }
            }
            FileProblem::DiskFull => Self::DiskFull { path },
            FileProblem::Denied => Self::FileDenied { path },
            FileProblem::System(number) => Self::FileSystemError {
                path,
                reason: std::io::Error::from_raw_os_error(number).to_string(),
            },
        }
    }
}
