//! What each verb does, by its words.

/// Words, English, Japanese.
pub(super) const VERBS: &[(&str, &str, &str)] = &[
    (
        "sekisho",
        "Certificate-based access for a small organisation: a private CA, and the gate in front of a web application",
        "小さな組織のための証明書による入退管理: 専用の認証局と、Web アプリケーションの前に立つ関所",
    ),
    (
        "sekisho quickstart",
        "Create a CA and certificates in ./sekisho-data if there are none, and run the gate",
        "./sekisho-data に認証局と証明書を (なければ) 作成し、関所を動かします",
    ),
    ("sekisho init", "Create a CA", "認証局を作成します"),
    (
        "sekisho gate",
        "The process of a gate; started by `serve`",
        "関所のプロセス (serve が起動します)",
    ),
    (
        "sekisho publisher",
        "The publisher's process; started by `serve`",
        "公開用のプロセス (serve が起動します)",
    ),
    (
        "sekisho authority",
        "The authority's process; started by `serve`",
        "認証局のプロセス (serve が起動します)",
    ),
    (
        "sekisho renew",
        "Renew a certificate: issue its successor, for the same holder",
        "同じ持ち主に、次の証明書を発行します",
    ),
    (
        "sekisho status",
        "Show how the running service stands (exit code 0 well, 1 warning, 2 critical, 3 not running)",
        "稼働状況を表示します (終了コード 0 正常, 1 注意, 2 異常, 3 停止中)",
    ),
    ("sekisho connections", "Show who is connected now", "現在の接続を一覧表示します"),
    (
        "sekisho seal",
        "Close the vault of the running service; the gates keep working",
        "稼働中のサービスの金庫を閉じます (関所は動き続けます)",
    ),
    ("sekisho unseal", "Open the vault of the running service", "稼働中のサービスの金庫を開きます"),
    (
        "sekisho clock",
        "Handle the clock that certificates are signed by",
        "署名に使う時刻を扱います",
    ),
    (
        "sekisho clock confirm",
        "Confirm that the clock is right, after it was set",
        "時刻が変更された後で、現在の時刻を正しいと認めます",
    ),
    (
        "sekisho vault shares",
        "Handle shares that open the vault together, each kept by a different person",
        "複数の人で分けて持ち、集まると金庫が開く分割コードを扱います",
    ),
    (
        "sekisho vault shares create",
        "Make shares and show each once on the terminal; those made before no longer open the vault",
        "分割コードを作成し、端末に一度だけ表示します (以前のものは使えなくなります)",
    ),
    (
        "sekisho vault shares remove",
        "Stop the shares from opening the vault",
        "分割コードで金庫を開けないようにします",
    ),
    ("sekisho issue", "Issue certificates", "証明書を発行します"),
    (
        "sekisho issue server",
        "Issue a server certificate for host names and IP addresses; the first is its name",
        "ホスト名や IP アドレスのサーバ証明書を発行します (最初のものが名前になります)",
    ),
    (
        "sekisho issue client",
        "Issue a client certificate, or one for each line of a CSV file",
        "クライアント証明書を発行します。CSV ファイルの行ごとにまとめて発行することもできます",
    ),
    ("sekisho list", "List the certificates in force", "有効な証明書を一覧表示します"),
    ("sekisho show", "Show everything about one certificate", "証明書の詳細を表示します"),
    (
        "sekisho export",
        "Write a certificate's bundle again, under a new passphrase (only where its key is kept)",
        "証明書のファイルを新しいパスフレーズで書き出し直します (秘密鍵を保管している場合のみ)",
    ),
    (
        "sekisho revoke",
        "Revoke a certificate and publish a CRL",
        "証明書を破棄し、CRL (破棄リスト) を公開します",
    ),
    ("sekisho crl", "Sign a fresh CRL", "新しい CRL (破棄リスト) を発行します"),
    (
        "sekisho forget-key",
        "Delete the kept copy of a certificate's private key for good",
        "保管している証明書の秘密鍵を完全に消去します",
    ),
    (
        "sekisho verify",
        "Check the whole ledger: every link, every record",
        "台帳全体 (つながりと記録のすべて) を検査します",
    ),
    ("sekisho vault", "Manage what opens the vault", "金庫を開ける方法を管理します"),
    (
        "sekisho vault passwd",
        "Set a new passphrase; whatever else opened the vault before no longer does",
        "新しいパスフレーズを設定します。それ以外の開け方はすべて無効になります",
    ),
    ("sekisho vault slots", "Show what opens the vault", "金庫を開ける方法を表示します"),
    (
        "sekisho serve",
        "Run the gate in front of a web application",
        "Web アプリケーションの前で関所を動かします",
    ),
    ("sekisho config", "Check configurations", "設定を検査します"),
    (
        "sekisho config check",
        "Check everything that serve would check, and serve nobody",
        "serve と同じ検査だけを行います (接続は受け付けません)",
    ),
    (
        "sekisho config example",
        "Print a commented sekisho.toml that can be used as it is",
        "説明付きの sekisho.toml の例を表示します (そのまま使えます)",
    ),
    (
        "sekisho orca-catool",
        "The WebORCA manual's orca-catool",
        "WebORCA の手順書の orca-catool として動きます",
    ),
    (
        "orca-catool",
        "The WebORCA manual's CA tool, by Sekisho",
        "WebORCA の手順書の認証局構築ツール (Sekisho による)",
    ),
    (
        "orca-catool issue_server_cert",
        "Issue a server certificate into ~/certs",
        "サーバ証明書を ~/certs に発行します",
    ),
    (
        "orca-catool issue_client_cert",
        "Issue a client certificate into ~/certs",
        "クライアント証明書を ~/certs に発行します",
    ),
    (
        "orca-catool export_cert",
        "Write a certificate's zip into ~/certs again, under a new passphrase",
        "発行済み証明書の zip を新しいパスフレーズで ~/certs に書き出し直します",
    ),
    ("orca-catool revoke_cert", "Revoke a certificate", "証明書を破棄します"),
    (
        "orca-catool issue_crl",
        "Write a CRL: ~/certs/crl.pem and, in DER, ~/certs/ca.crl",
        "CRL (破棄リスト) を発行します: ~/certs/crl.pem と ~/certs/ca.crl (DER)",
    ),
    ("orca-catool list_cert", "List the certificates", "発行済みの証明書を一覧表示します"),
    (
        "sekisho backup",
        "Copy the CA into one file under a passphrase of its own; the service may be running",
        "認証局の全体を、専用のパスフレーズで暗号化した1つのファイルに保存します (稼働中も可)",
    ),
    (
        "sekisho backup verify",
        "Try a backup out: restore it in memory, issue, revoke and sign a CRL there",
        "バックアップをメモリ上に復元し、発行・破棄・CRL の署名ができるか試します",
    ),
    (
        "sekisho restore",
        "Restore a backup into an empty folder",
        "バックアップを空のフォルダに復元します",
    ),
    (
        "sekisho restore reconcile",
        "Tell a restored CA what was revoked since the backup, so that it starts working again",
        "復元した認証局に、バックアップ後の破棄を取り込んで運用を再開します",
    ),
    (
        "sekisho anchor",
        "Handle anchors: what is kept elsewhere, so that a rollback of the data folder is noticed",
        "データフォルダの巻き戻しに気づくための控え (アンカー) を扱います",
    ),
    (
        "sekisho anchor export",
        "Show where the ledger ends now, for paper or another machine",
        "台帳の現在の末尾を表示します (紙や別の機器に控えるため)",
    ),
    (
        "sekisho anchor check",
        "Tell whether the ledger was rolled back (exit code 0 no, 4 yes, 1 not to be told)",
        "台帳が巻き戻されていないか確かめます (終了コード 0 なし, 4 あり, 1 判定不能)",
    ),
];
