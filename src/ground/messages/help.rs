//! The help texts of the command line: for each verb by its words, for each argument by its name.

use super::Language;

/// The help text of a verb (`sekisho issue client`) or of an argument (`--days`).
#[must_use]
pub fn help(name: &str, language: Language) -> Option<&'static str> {
    let (_, english, japanese) = TEXTS.iter().find(|(known, ..)| *known == name)?;
    Some(match language {
        Language::English => english,
        Language::Japanese => japanese,
    })
}

/// Name, English, Japanese.
const TEXTS: &[(&str, &str, &str)] = &[
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
        "Close the vault of the running service; the gates go on",
        "稼働中のサービスの金庫を閉じます (関所は動き続けます)",
    ),
    ("sekisho unseal", "Open the vault of the running service", "稼働中のサービスの金庫を開きます"),
    ("sekisho clock", "The clock that certificates are signed by", "署名に使う時刻を扱います"),
    (
        "sekisho clock confirm",
        "Confirm that the clock is right, after it was set",
        "時刻が変更された後で、現在の時刻を正しいと認めます",
    ),
    (
        "sekisho vault shares",
        "Shares that open the vault together, each kept by another person",
        "複数の人で分けて持ち、集まると金庫が開く分割コードを扱います",
    ),
    (
        "sekisho vault shares create",
        "Make shares and show each once on the terminal; those made before open nothing any more",
        "分割コードを作成し、端末に一度だけ表示します (以前のものは使えなくなります)",
    ),
    (
        "sekisho vault shares remove",
        "Let the shares open the vault no more",
        "分割コードで金庫を開けないようにします",
    ),
    ("--threshold", "How many of them are needed, 2 to 16", "金庫を開くのに必要な数 (2〜16)"),
    ("--count", "How many there are, 16 at most", "全体の数 (16 まで)"),
    (
        "--shares",
        "Open the vault with shares, which are asked for at the terminal",
        "分割コードで金庫を開きます (端末で 1 つずつ入力します)",
    ),
    (
        "--profile",
        "Hold it against a published guideline as well: ipa-high, the high-security type of IPA's TLS guideline",
        "公開されたガイドラインとも照合します (ipa-high: IPA「TLS 暗号設定ガイドライン」高セキュリティ型)",
    ),
    (
        "--lineage",
        "Also revoke what this certificate renews, and what renews it",
        "更新前と更新後の証明書もすべて破棄します",
    ),
    (
        "--renew_days",
        "Days the new one lasts; as many as the one before unless given",
        "新しい証明書の有効日数 (省略時は前の証明書と同じ)",
    ),
    (
        "--again",
        "Renew a certificate that has been renewed before",
        "すでに更新済みの証明書をもう一度更新します",
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
    ("sekisho vault", "What opens the vault", "金庫を開ける方法を管理します"),
    (
        "sekisho vault passwd",
        "Set a new passphrase; everything else that opened the vault opens it no more",
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
    ("--dir", "The data folder", "データフォルダ"),
    (
        "--passphrase_file",
        "File that holds the vault's passphrase (mode 0600)",
        "金庫のパスフレーズを書いたファイル (モード 0600)",
    ),
    ("--key_file", "Key file that opens the vault", "金庫を開ける鍵ファイル"),
    (
        "--recovery_code",
        "Ask for the recovery code instead of the passphrase",
        "パスフレーズの代わりに復旧コードを入力します",
    ),
    ("--json", "Print JSON for machines", "機械向けに JSON で出力します"),
    (
        "--lang",
        "Language of messages [default: from the locale]",
        "表示する言語 [既定: ロケールに従う]",
    ),
    (
        "--upstream",
        "The application, such as http://127.0.0.1:8001",
        "アプリケーションの URL (例: http://127.0.0.1:8001)",
    ),
    (
        "--listen",
        "Where to listen, such as 192.168.1.100:8000",
        "待ち受けるアドレスとポート (例: 192.168.1.100:8000)",
    ),
    ("--name", "The name of the certificate's holder (CN)", "証明書の持ち主の名前 (CN)"),
    ("--country", "Country in the subject", "サブジェクトの国 (C)"),
    ("--organization", "Organization in the subject", "サブジェクトの組織 (O)"),
    ("--unit", "Organizational unit in the subject", "サブジェクトの部門 (OU)"),
    ("--days", "Days it is valid", "有効日数"),
    (
        "--key",
        "Key algorithm: p256, p384, rsa2048, rsa3072, rsa4096, ed25519",
        "鍵の種類: p256, p384, rsa2048, rsa3072, rsa4096, ed25519",
    ),
    ("--hosts", "Host names or IP addresses visitors use", "接続に使うホスト名または IP アドレス"),
    (
        "--from",
        "CSV file with the columns name, person, device, days",
        "列 name, person, device, days を持つ CSV ファイル",
    ),
    ("--person", "Who holds it", "使う人"),
    ("--device", "On which device it is", "使う機器"),
    (
        "--csr",
        "Sign the holder's own request (PKCS#10); only its key is taken from it",
        "持ち主が作った要求 (PKCS#10) に署名します。要求からは鍵だけを使います",
    ),
    (
        "--escrow",
        "Keep a sealed copy of the private key, so that it can be exported again",
        "秘密鍵の写しを金庫で封印して保管し、後で書き出せるようにします",
    ),
    (
        "--legacy",
        "Encrypt the .p12 for systems older than Windows 10 1709, macOS 15 or iOS 18 (3DES)",
        "古いシステム (Windows 10 1709・macOS 15・iOS 18 より前) 向けに .p12 を 3DES で暗号化します",
    ),
    (
        "--pem",
        "Write the certificate (.crt) and the unencrypted key (.pem) as well",
        "証明書 (.crt) と、暗号化していない秘密鍵 (.pem) も書き出します",
    ),
    ("--out", "Folder to write into", "書き出すフォルダ"),
    (
        "--all",
        "Also what is revoked, expired or abandoned",
        "破棄・期限切れ・未完了のものも表示します",
    ),
    (
        "--which",
        "Number of the certificate (4 and 000004 are the same), or its name",
        "証明書の番号 (4 と 000004 は同じ) または名前",
    ),
    (
        "--reason",
        "Why: unspecified, keyCompromise, affiliationChanged, superseded, cessationOfOperation, privilegeWithdrawn",
        "破棄の理由: unspecified, keyCompromise, affiliationChanged, superseded, cessationOfOperation, privilegeWithdrawn",
    ),
    (
        "--since",
        "Since when the key may be known to others (2026-11-22 or RFC 3339)",
        "鍵が漏れた可能性のある時点 (2026-11-22 または RFC 3339)",
    ),
    ("--crl_days", "Days the new CRL is valid", "新しい CRL の有効日数"),
    (
        "--new_passphrase_file",
        "File that holds the new passphrase (mode 0600)",
        "新しいパスフレーズを書いたファイル (モード 0600)",
    ),
    ("--new_key_file", "Make a new key file there as well", "新しい鍵ファイルもここに作成します"),
    (
        "--rewrap_only",
        "Keep the data key: whoever has the old passphrase and an old copy can open what comes later",
        "データ鍵を変えません (古いパスフレーズと古い写しを持つ人は、今後の内容も開けられます)",
    ),
    (
        "--config",
        "The configuration (sekisho.toml); see: sekisho config example",
        "設定ファイル (sekisho.toml)。例は sekisho config example で表示できます",
    ),
    (
        "--jma_receipt_conf",
        "WebORCA's jma-receipt.conf with SERVER_CRT, SERVER_PEM and CA_CRT",
        "SERVER_CRT・SERVER_PEM・CA_CRT を書いた WebORCA の jma-receipt.conf",
    ),
    (
        "--allow_clear_text_upstream",
        "Allow an application on another machine, although the way there is not encrypted",
        "別の機器のアプリケーションへの、暗号化されない接続を許可します",
    ),
    (
        "--crl",
        "CRL to enforce, PEM or DER; once for each CA",
        "適用する CRL (PEM または DER)。認証局ごとに1つ指定できます",
    ),
    (
        "--crl_grace_days",
        "Days a CRL still counts after its next update was due",
        "CRL の次回更新日時を過ぎても使い続ける日数",
    ),
    (
        "--refusal",
        "What those who are refused get: explain, a page that says why; strict, a TLS alert",
        "拒否した相手への応答: explain は理由を示すページ、strict は TLS アラートのみ",
    ),
    ("--tls12", "Accept TLS 1.2 as well as 1.3", "TLS 1.3 に加えて TLS 1.2 も受け付けます"),
    (
        "--handshakes_per_second",
        "Handshakes that one address may begin in a second, in the long run",
        "ひとつのアドレスが1秒間に始められるハンドシェイクの数 (平均)",
    ),
    ("--log_format", "Form of log lines", "ログの形式"),
    ("--hardening", "Shows how each process is confined", "各プロセスの隔離の状態を表示する"),
    (
        "--accept_missing",
        "Starts without this layer of the confinement where the system lacks it (may be repeated)",
        "システムにこの防御層がなくても起動する (繰り返し指定できます)",
    ),
    (
        "--roles_from",
        "Has its processes started at the sockets in this folder, as the packaged service does, instead of starting them itself",
        "各プロセスを自分では起動せず、このフォルダのソケットを通じて起動してもらう (パッケージのサービスで使用)",
    ),
    (
        "--landlock_abi",
        "Confines as a kernel with this Landlock ABI would, to try that out",
        "この Landlock ABI のカーネルと同じように隔離する (試験用)",
    ),
    ("--words", "The words of the manual", "手順書の語句"),
    ("--host", "Host name; the first becomes the CN", "ホスト名 (最初のものが CN になります)"),
    ("--address", "IP address", "IP アドレス"),
    ("--number", "Number of the certificate", "証明書の番号"),
    // ---- backup ----
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
        "Restore a backup onto an empty folder",
        "バックアップを空のフォルダに復元します",
    ),
    (
        "sekisho restore reconcile",
        "Tell a restored CA what was revoked since the backup, so that it works again",
        "復元した認証局に、バックアップ後の破棄を取り込んで運用を再開します",
    ),
    (
        "sekisho anchor",
        "What is kept elsewhere, so that a rollback of the data folder is noticed",
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
    ("--backup_to", "File to write; there must be none", "書き込むファイル (まだ存在しないこと)"),
    ("--backup_file", "The backup", "バックアップのファイル"),
    (
        "--backup_passphrase_file",
        "File that holds the passphrase of the backup",
        "バックアップのパスフレーズを書いたファイル",
    ),
    (
        "--published_crl",
        "The newest CRL that was published, PEM or DER",
        "公開済みの最新の CRL (PEM または DER)",
    ),
    (
        "--without_crl",
        "Go on without a CRL: what was revoked after the backup is valid again",
        "CRL なしで再開します (バックアップ後に破棄した証明書が再び有効になります)",
    ),
    ("--anchor_to", "File to write; there must be none", "書き込むファイル (まだ存在しないこと)"),
    (
        "--kept",
        "The anchor: a file, or its groups as typed",
        "アンカーのファイル、またはその英数字",
    ),
];
