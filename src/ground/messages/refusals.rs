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
        ja "{path} は別のユーザー (uid {owner}) のものです" => "そのユーザーで、または sudo なしで実行してください。sudo を使うときは `sudo -H` とします。"
    FileModeTooOpen { path, mode }
        en "{path} is open to other users (mode {mode})" => "Close it, then try again: chmod go= {path}"
        ja "{path} は他のユーザーからも使える状態です (モード {mode})" => "次のコマンドで閉じてから、もう一度実行してください: chmod go= {path}"
    FileTooLarge { path, limit }
        en "{path} is larger than the {limit} bytes allowed here" => "Check that it is the right file."
        ja "{path} がここでの上限 {limit} バイトを超えています" => "正しいファイルか確認してください。"
    DiskFull { path }
        en "the disk is full; {path} was not written" => "Free some space, then try again."
        ja "ディスクがいっぱいのため、{path} を書き込めません" => "空きを作ってから、もう一度実行してください。"
    FileDenied { path }
        en "no permission for {path}" => "Check its owner and mode, or run as the user it belongs to. What the packaged service reads must belong to the user sekisho: chown sekisho: {path}"
        ja "{path} を使う権限がありません" => "所有者とモードを確認するか、所有者のユーザーで実行してください。パッケージのサービスが読むファイルは、ユーザー sekisho のものにします: chown sekisho: {path}"
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
    NameHostName { text }
        en "{text} is neither a host name nor an IP address" => "Use letters, digits and hyphens, such as weborca-server, or an address such as 192.168.1.100."
        ja "{text} はホスト名としても IP アドレスとしても使えません" => "weborca-server のように英数字とハイフンで、または 192.168.1.100 のように IP アドレスで指定してください。"
    NameAddress { text }
        en "{text} is not an IP address" => "Give an address such as 192.168.1.100."
        ja "{text} は IP アドレスではありません" => "192.168.1.100 のような IP アドレスを指定してください。"
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
        ja "破棄リスト (CRL) が {limit} バイトを超えています" => "正しいファイルか確認してください。"
    RevocationListMissing {}
        en "the file holds no revocation list" => "Check that it is the right file (.crl)."
        ja "ファイルに破棄リスト (CRL) が入っていません" => "正しいファイル (.crl) か確認してください。"
    RevocationListMalformed {}
        en "this is not a valid revocation list" => "Check that it is the right file (.crl) and that it was copied completely."
        ja "破棄リスト (CRL) として読み取れません" => "正しいファイル (.crl) か、最後までコピーされているか確認してください。"
    RevocationListOtherIssuer {}
        en "the revocation list is not signed by this CA" => "Get the list from the CA that issued the certificates."
        ja "この認証局が署名した破棄リスト (CRL) ではありません" => "証明書を発行した認証局から破棄リストを入手してください。"
    RevocationListIncomplete {}
        en "the revocation list is not a complete one, or has parts that are not understood" => "Get the full (base) list from the CA."
        ja "破棄リスト (CRL) が完全なものではないか、解釈できない部分があります" => "認証局から完全な破棄リストを入手してください。"
    RevocationListFromTheFuture { this_update }
        en "the revocation list says it was issued in the future ({this_update})" => "Check the clock of this machine and of the CA."
        ja "破棄リスト (CRL) の発行日時が未来 ({this_update}) になっています" => "このコンピュータと認証局の時計を確認してください。"

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
        ja "証明書に署名できませんでした" => "何も発行していません。金庫がこの認証局のものか確認して、もう一度実行してください。"

    // ---- the CA and what it keeps ----
    NotInitialised { folder }
        en "there is no CA in {folder}" => "Create one: sekisho init --dir {folder}. If it lies elsewhere, name its folder with --dir."
        ja "{folder} に認証局がありません" => "sekisho init --dir {folder} で作成してください。別の場所にある場合は --dir でそのフォルダを指定してください。"
    AlreadyInitialised { folder }
        en "there is a CA in {folder} already; it was not touched" => "Use it as it is, or name another folder with --dir."
        ja "{folder} にはすでに認証局があります。変更していません" => "そのまま使うか、--dir で別のフォルダを指定してください。"
    NoCertificateAuthority {}
        en "the ledger holds no CA certificate" => "Restore the data folder from a backup."
        ja "台帳に認証局の証明書がありません" => "データフォルダをバックアップから戻してください。"
    LedgerBusy {}
        en "another sekisho command has the CA open" => "Wait until it has ended, then try again."
        ja "ほかの sekisho コマンドが認証局を使用中です" => "そのコマンドが終わってから、もう一度実行してください。"
    /// An earlier write failed.
    LedgerInterrupted {}
        en "an earlier write to the ledger failed, and it takes no more until it is opened again" => "See that the disk has room, then run the command again."
        ja "台帳への以前の書き込みに失敗したため、開き直すまで書き込めません" => "ディスクの空きを確かめてから、もう一度実行してください。"
    LedgerDamaged { reason }
        en "the ledger is damaged: {reason}" => "Do not issue anything. Restore the data folder from a backup, and check the disk."
        ja "台帳が壊れています: {reason}" => "証明書を発行せず、データフォルダをバックアップから戻し、ディスクを点検してください。"
    LedgerTampered { reason }
        en "the ledger was changed by something other than sekisho: {reason}" => "Do not issue anything. Keep a copy for the investigation, then restore the data folder from a backup."
        ja "台帳が sekisho 以外によって書き換えられています: {reason}" => "証明書を発行せず、調査用の写しを取ってから、データフォルダをバックアップから戻してください。"
    NewerFormat { what, version }
        en "{what} is of format {version}, which this sekisho does not know" => "Install the newer sekisho that wrote it."
        ja "{what} の形式 {version} は、この版の sekisho では扱えません" => "書き込んだ、より新しい版の sekisho を導入してください。"
    SystemRefused { reason }
        en "the system refused to read or write the ledger: {reason}" => "Check the disk and the system log, then try again."
        ja "台帳の読み書きをシステムが拒否しました: {reason}" => "ディスクとシステムログを確認して、もう一度実行してください。"
    CryptographyFailed {}
        en "the cryptographic library refused to work" => "Try again; if it stays, check the machine's memory."
        ja "暗号ライブラリが動作しませんでした" => "もう一度実行してください。続く場合は機器のメモリを点検してください。"

    // ---- the vault ----
    VaultSealed {}
        en "this needs the CA's key, and the vault is closed" => "Give its passphrase at the terminal, or name a file that holds it with --passphrase-file."
        ja "認証局の鍵が必要ですが、金庫が閉じています" => "端末でパスフレーズを入力するか、--passphrase-file でパスフレーズのファイルを指定してください。"
    NotAVault {}
        en "the vault file is not a vault" => "Restore the data folder from a backup."
        ja "金庫ファイルが金庫の形式ではありません" => "データフォルダをバックアップから戻してください。"
    VaultTruncated {}
        en "the vault file is cut short" => "Restore the data folder from a backup, and check the disk."
        ja "金庫ファイルが途中で切れています" => "データフォルダをバックアップから戻し、ディスクを点検してください。"
    VaultDamaged {}
        en "the vault file is damaged" => "Restore the data folder from a backup, and check the disk."
        ja "金庫ファイルが壊れています" => "データフォルダをバックアップから戻し、ディスクを点検してください。"
    VaultOlderThanLedger { vault, ledger }
        en "the vault is an old copy: it is of change {vault}, the ledger knows change {ledger}" => "Restore vault and ledger together, from the same backup."
        ja "金庫が古い写しです (金庫は変更 {vault}、台帳は変更 {ledger})" => "金庫と台帳を同じバックアップから一緒に戻してください。"
    LedgerOlderThanVault { vault, ledger }
        en "the ledger is an old copy: it knows change {ledger} of the vault, the vault is of change {vault}" => "Restore vault and ledger together, from the same backup."
        ja "台帳が古い写しです (台帳は変更 {ledger}、金庫は変更 {vault})" => "金庫と台帳を同じバックアップから一緒に戻してください。"
    VaultNotTheRecordedOne { generation }
        en "the vault is not the one the ledger knows (change {generation})" => "Restore vault and ledger together, from the same backup."
        ja "金庫が台帳の記録 (変更 {generation}) と一致しません" => "金庫と台帳を同じバックアップから一緒に戻してください。"
    VaultCosts { slot }
        en "slot {slot} of the vault asks for more, or less, work than sekisho ever writes" => "The file was changed by somebody else; restore the data folder from a backup."
        ja "金庫のスロット {slot} の計算量の指定が sekisho のものではありません" => "ファイルが書き換えられています。データフォルダをバックアップから戻してください。"
    WrongPassphrase {}
        en "the passphrase does not open the vault" => "Type it again; mind capitals and the keyboard layout. If it is lost, use the recovery code: --recovery-code."
        ja "パスフレーズが違うため、金庫を開けられません" => "大文字・小文字と入力モードに注意して、もう一度入力してください。忘れた場合は --recovery-code で復旧コードを使えます。"
    WrongRecoveryCode {}
        en "the recovery code does not open this vault" => "Check that it belongs to this CA, and that no newer one was printed."
        ja "この復旧コードではこの金庫を開けられません" => "この認証局のものか、新しい復旧コードが発行されていないか確認してください。"
    WrongKeyFile {}
        en "the key file does not open this vault" => "Name this CA's key file with --key-file, or use the passphrase."
        ja "この鍵ファイルではこの金庫を開けられません" => "--key-file でこの認証局の鍵ファイルを指定するか、パスフレーズを使ってください。"
    NoSlotOfKind {}
        en "the vault has no slot for this kind of secret" => "See what opens it: sekisho vault slots"
        ja "この種類の秘密で開くスロットが金庫にありません" => "開ける方法は sekisho vault slots で確認できます。"
    RecoveryCodeMistyped {}
        en "the recovery code has a typing error" => "Compare it with the paper, group by group."
        ja "復旧コードに打ち間違いがあります" => "紙の記載と4文字ずつ見比べてください。"
    KeyFileTooShort {}
        en "the key file has fewer than 32 bytes" => "Name the key file that sekisho made."
        ja "鍵ファイルが32バイトより短いです" => "sekisho が作成した鍵ファイルを指定してください。"
    NoSuchSlot { slot }
        en "the vault has no slot {slot}" => "See the slots: sekisho vault slots"
        ja "金庫にスロット {slot} はありません" => "スロットは sekisho vault slots で確認できます。"
    LastSlot {}
        en "it is the vault's last slot, and nothing could open the vault without it" => "Add another slot first: sekisho vault passwd"
        ja "最後のスロットのため、外すと金庫を開けられなくなります" => "先に sekisho vault passwd で別のスロットを追加してください。"

    // ---- certificates ----
    UnknownNumber { number }
        en "there is no certificate {number}" => "See the numbers: sekisho list (or orca-catool list_cert)"
        ja "証明書 {number} はありません" => "番号は sekisho list (または orca-catool list_cert) で確認できます。"
    UnknownName { name }
        en "no certificate in force has the name {name}" => "See the names: sekisho list (or orca-catool list_cert)"
        ja "有効な証明書に {name} という名前のものはありません" => "名前は sekisho list (または orca-catool list_cert) で確認できます。"
    AmbiguousName { name, numbers }
        en "several certificates have the name {name}: {numbers}" => "Say which one by its number."
        ja "{name} という名前の証明書が複数あります: {numbers}" => "番号で指定してください。"
    AlreadyRevoked { number, time }
        en "certificate {number} was revoked already, on {time}" => "Nothing is left to do; issue a CRL if the gates do not know yet: sekisho crl (or orca-catool issue_crl)"
        ja "証明書 {number} は {time} にすでに破棄されています" => "破棄の操作は不要です。サーバにまだ伝わっていない場合は sekisho crl (または orca-catool issue_crl) で CRL を発行してください。"
    NeverIssued { number }
        en "certificate {number} was never finished, and counts as revoked" => "Issue a new one."
        ja "証明書 {number} は発行が完了しておらず、破棄済みとして扱われます" => "新しい証明書を発行してください。"
    AuthorityNotRevocable { number }
        en "certificate {number} is the CA's own and cannot be revoked by itself" => "If its key may be stolen, create a new CA and hand out new certificates; SECURITY.md says how."
        ja "証明書 {number} は認証局自身のもので、自分では破棄できません" => "鍵が盗まれた恐れがあるときは、新しい認証局を作成して証明書を配り直してください (SECURITY.md 参照)。"
    ReasonNotPermanent { reason, permanent }
        en "{reason} is no reason to revoke for good" => "Use one of: {permanent}"
        ja "{reason} は破棄の理由に使えません" => "次のいずれかを指定してください: {permanent}"
    KeyNotKept { number }
        en "the private key of certificate {number} is not kept here" => "Issue a new certificate and revoke this one."
        ja "証明書 {number} の秘密鍵は保管されていません" => "新しい証明書を発行し、この証明書を破棄してください。"
    ValidityOutOfRange { days, longest }
        en "{days} days is not between 1 and {longest}" => "Give another number of days."
        ja "{days} 日は 1 から {longest} の範囲にありません" => "日数を指定し直してください。"
    ValidityBeyondIssuer { asked, last, days }
        en "a certificate until {asked} would outlive the CA, which ends on {last}" => "Ask for at most {days} days."
        ja "{asked} までの証明書は、{last} に終わる認証局より長くなります" => "{days} 日以内で指定してください。"
    IssuerExpired { ended }
        en "the CA expired on {ended} and signs nothing any more" => "Check this machine's clock. If it is right, create a new CA and hand out new certificates."
        ja "認証局は {ended} に期限切れとなり、もう署名できません" => "この機器の時計を確認してください。正しければ、新しい認証局を作成して証明書を配り直してください。"
    IssuerNotYetValid { begins, now }
        en "the CA begins on {begins}, and this machine's clock says {now}" => "Set the clock, then try again."
        ja "認証局の開始日時は {begins} ですが、この機器の時計は {now} です" => "時計を合わせてから、もう一度実行してください。"
    LintFailed { field }
        en "the certificate would not be what was asked for (field {field}); it was not signed" => "This is a defect of sekisho: please report it with the command you gave."
        ja "証明書の内容が要求と一致しないため ({field})、署名しませんでした" => "sekisho の不具合です。実行したコマンドを添えて報告してください。"
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
        en "{url} is not the URL of an application that can be put behind the gate" => "Give its origin alone, such as http://127.0.0.1:8001 or unix:/run/application.sock."
        ja "{url} は、転送先のURLとして使えません" => "http://127.0.0.1:8001 や unix:/run/application.sock のように、転送先だけを指定してください。"
    UpstreamInClearText { url }
        en "{url} is another machine, and the way there would not be encrypted" => "Run the gate on that machine, or accept the risk with --allow-clear-text-upstream (in sekisho.toml: allow_clear_text_upstream = true)."
        ja "{url} は別のサーバのため、そこまでの通信が暗号化されません" => "そのサーバで sekisho を動かしてください。危険を承知で使う場合は --allow-clear-text-upstream (sekisho.toml では allow_clear_text_upstream = true) を指定してください。"
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

    // ---- the command line ----
    ResultNotPrinted {}
        en "it is done, but the result could not be printed" => "Look with sekisho list. A passphrase that was not shown is lost: revoke that certificate and issue another."
        ja "処理は完了しましたが、結果を表示できませんでした" => "sekisho list で確認してください。表示できなかったパスフレーズは失われています。その証明書を破棄し、発行し直してください。"
    NumberOrName { text, number, named }
        en "{text} is the number of certificate {number} and the name of certificate {named}" => "Write the six digits of the one you mean."
        ja "{text} は証明書 {number} の番号であり、証明書 {named} の名前でもあります" => "対象の証明書を6桁の番号で指定してください。"
    UsageUnknownArgument { argument }
        en "there is no argument {argument}" => "See --help."
        ja "{argument} という指定はありません" => "使い方は --help で確認できます。"
    UsageUnknownCommand { command }
        en "there is no command {command}" => "See --help."
        ja "{command} というコマンドはありません" => "使い方は --help で確認できます。"
    UsageMissing { argument }
        en "something is missing: {argument}" => "See --help."
        ja "必要な指定がありません: {argument}" => "使い方は --help で確認できます。"
    UsageInvalidValue { argument, value }
        en "{value} is no value for {argument}" => "See --help."
        ja "{argument} に {value} は指定できません" => "使い方は --help で確認できます。"
    UsageConflict { argument, other }
        en "{argument} cannot be used with {other}" => "See --help."
        ja "{argument} は {other} と一緒に指定できません" => "使い方は --help で確認できます。"
    UsageOther {}
        en "the words cannot be understood" => "See --help."
        ja "指定が正しくありません" => "使い方は --help で確認できます。"
    Cancelled {}
        en "cancelled; nothing was done" => "Give the command again when you are ready."
        ja "中止しました。何も行っていません" => "準備ができたら、もう一度実行してください。"
    NoTerminal {}
        en "a passphrase is needed, and there is no terminal to ask at" => "Name a file that holds it: --passphrase-file FILE (orca-catool: SEKISHO_PASSPHRASE_FILE=FILE)"
        ja "パスフレーズが必要ですが、入力できる端末がありません" => "パスフレーズを書いたファイルを --passphrase-file で (orca-catool では SEKISHO_PASSPHRASE_FILE で) 指定してください。"
    PassphraseNotText {}
        en "the passphrase is not UTF-8 text" => "Check the file, or type it at the terminal."
        ja "パスフレーズが UTF-8 の文字ではありません" => "ファイルを確認するか、端末で入力してください。"
    PassphraseTooShort { least }
        en "the passphrase is shorter than {least} characters" => "Choose a longer one; several words are easy to remember."
        ja "パスフレーズが{least}文字より短いです" => "もっと長いものにしてください。単語をいくつか並べると覚えやすくなります。"
    PassphraseTooLong { limit }
        en "the passphrase is longer than {limit} bytes" => "Choose a shorter one."
        ja "パスフレーズが{limit}バイトを超えています" => "短いものにしてください。"
    PassphrasesDiffer {}
        en "the two passphrases are not the same" => "Try again; nothing was done."
        ja "2回の入力が一致しません" => "もう一度実行してください。何も行っていません。"
    UnknownAlgorithm { name, known }
        en "{name} is no key algorithm here" => "Use one of: {known}"
        ja "{name} という鍵の種類はありません" => "次のいずれかを指定してください: {known}"
    NotANumber { text }
        en "{text} is not a certificate's number" => "See the numbers: orca-catool list_cert"
        ja "{text} は証明書の番号ではありません" => "番号は orca-catool list_cert で確認できます。"
    TimeInvalid { time }
        en "{time} is no past time" => "Write a date such as 2026-11-22, or a time such as 2026-11-22T09:00:00+09:00."
        ja "{time} は過去の日時ではありません" => "2026-11-22 や 2026-11-22T09:00:00+09:00 の形で指定してください。"
    NoHome {}
        en "the environment names no home folder" => "Set HOME, or use sekisho with --dir."
        ja "ホームフォルダが分かりません" => "環境変数 HOME を設定するか、sekisho を --dir 付きで使ってください。"
    OrcaConfigMalformed { path }
        en "{path} is not a configuration of orca-catool" => "Each line must look like `:server_cert_validity: 3650`; move the file away to start from the defaults."
        ja "{path} は orca-catool の設定ファイルの形式ではありません" => "各行を `:server_cert_validity: 3650` の形にするか、ファイルを移動して既定値から始めてください。"
    OrcaConfigDays { path, key }
        en "{key} in {path} is not a number of days from 1 to 36525" => "Correct it, then try again."
        ja "{path} の {key} が 1 から 36525 の日数ではありません" => "修正して、もう一度実行してください。"
    OrcaServerNameMissing {}
        en "a server certificate needs a host name or an IP address" => "orca-catool issue_server_cert -c HOST, -i IP, or both"
        ja "サーバ証明書にはホスト名か IP アドレスが必要です" => "orca-catool issue_server_cert に -c ホスト名、-i IPアドレス、またはその両方を付けてください。"
    CsvMalformed { path, reason }
        en "{path} cannot be read as CSV: {reason}" => "Its first line must name the columns: name, and if wanted person, device, days."
        ja "{path} を CSV として読めません: {reason}" => "1行目に列名 (name、必要なら person, device, days) を書いてください。"
    CsvColumns { path, found }
        en "the first line of {path} names the columns: {found}" => "It must name the column name, and if wanted person, device and days; no others."
        ja "{path} の1行目の列名は {found} です" => "列名は name が必須で、ほかに使えるのは person, device, days だけです。"
    CsvNotText { path }
        en "{path} is not text in UTF-8" => "Save it again as CSV UTF-8."
        ja "{path} の文字コードが UTF-8 ではありません" => "Excel では「CSV UTF-8 (コンマ区切り)」の形式で保存し直してください。"
    LinesRefused { count }
        en "{count} lines were refused; all others are done" => "Correct them, put them into a file of their own, and run it."
        ja "{count}行を発行できませんでした。ほかの行は発行済みです" => "その行を直して別のファイルにまとめ、もう一度実行してください。"

    // ---- config: sekisho.toml ----
    ConfigurationRefused { path, count }
        en "{path} cannot be used; problems found: {count}" => "Correct what is named above. sekisho config example shows every setting."
        ja "{path} は使えません (問題: {count}件)" => "上に示した箇所を直してください。すべての設定は sekisho config example で確認できます。"
    SettingSyntax { reason }
        en "this is not TOML: {reason}" => "Compare the line with those of: sekisho config example"
        ja "TOML の書き方に誤りがあります: {reason}" => "sekisho config example の書き方と見比べてください。"
    VersionMissing {}
        en "the file does not say its version" => "Begin it with the line: version = 1"
        ja "ファイルの版の指定がありません" => "先頭に version = 1 の行を入れてください。"
    VersionUnsupported {}
        en "this program reads files of version 1 only" => "Write version = 1, or use the sekisho that the file was written for."
        ja "この sekisho が読めるのは版 1 のファイルだけです" => "version = 1 と書くか、このファイルに合う sekisho を使ってください。"
    SettingUnknown { key, section, nearest }
        en "there is no {key} in {section}" => "Did you mean {nearest}?"
        ja "{section} に {key} という設定はありません" => "{nearest} の間違いではありませんか。"
    SettingUnknownFar { key, section, known }
        en "there is no {key} in {section}" => "What there is: {known}"
        ja "{section} に {key} という設定はありません" => "使える設定: {known}"
    SettingMissing { key, section }
        en "{section} has no {key}" => "Add it; sekisho config example shows how."
        ja "{section} に {key} がありません" => "sekisho config example を参考に追加してください。"
    SettingNotText { key }
        en "{key} must be a text" => "Put it in quotes: {key} = \"...\""
        ja "{key} は文字列で指定します" => "引用符で囲んでください: {key} = \"...\""
    SettingNotTexts { key }
        en "{key} must be a list of texts" => "Put them in brackets: {key} = [\"...\", \"...\"]"
        ja "{key} は文字列の並びで指定します" => "角かっこで囲んでください: {key} = [\"...\", \"...\"]"
    SettingNotNumber { key, least, most }
        en "{key} must be a whole number from {least} to {most}" => "Write it without quotes."
        ja "{key} は {least} から {most} までの整数で指定します" => "引用符を付けずに書いてください。"
    SettingNotNumbers { key }
        en "{key} must be a list of whole numbers" => "Write them in brackets: {key} = [1000, 1001]"
        ja "{key} は整数の並びで指定します" => "角かっこで囲んでください: {key} = [1000, 1001]"
    SettingNotFlag { key }
        en "{key} must be true or false" => "Write true or false, without quotes."
        ja "{key} は true か false で指定します" => "引用符を付けずに true または false と書いてください。"
    SettingNotOneOf { key, choices }
        en "{key} must be one of {choices}" => "Write one of them, in quotes."
        ja "{key} に指定できるのは {choices} のいずれかです" => "引用符で囲んで、いずれかを書いてください。"
    SettingNotTable { key }
        en "{key} must be a section" => "Write [{key}] on a line of its own, and its settings below."
        ja "{key} は区画 (セクション) です" => "[{key}] を独立した行に書き、その下に設定を並べてください。"
    SettingNotTables { key }
        en "there can be several {key}, so each begins with double brackets" => "Write [[{key}]] on a line of its own, and its settings below."
        ja "{key} は複数置けるため、二重の角かっこで始めます" => "[[{key}]] を独立した行に書き、その下に設定を並べてください。"
    SettingEmpty { key }
        en "{key} is empty" => "Give it a value, or take the line away."
        ja "{key} が空です" => "値を入れるか、その行を消してください。"
    SettingTooLong { key, limit }
        en "{key} is longer than {limit} characters" => "Shorten it."
        ja "{key} が{limit}文字を超えています" => "短くしてください。"
    SettingHidden { key }
        en "{key} has a character that does not show" => "Type the value anew instead of copying it."
        ja "{key} に目に見えない文字が含まれています" => "貼り付けではなく、値を入力し直してください。"
    SettingNeeds { key, needs }
        en "{key} means nothing without {needs}" => "Add {needs}, or take {key} away."
        ja "{key} は {needs} と一緒に指定する設定です" => "{needs} を追加するか、{key} を消してください。"
    SettingsExclude { key, other }
        en "{key} and {other} cannot stand together" => "Take one of them away."
        ja "{key} と {other} は一緒に指定できません" => "どちらかを消してください。"
    SettingNeedsAuthority { what }
        en "{what} needs the CA of this configuration, and there is no [authority]" => "Add [authority]. A gate can instead have files of its own: certificate, key and authorities."
        ja "{what} には認証局が必要ですが、[authority] がありません" => "[authority] を追加してください。関所には、代わりに certificate・key・authorities でファイルを指定することもできます。"
    NothingToServe {}
        en "there is neither [authority] nor [[gate]]: nothing to serve" => "Add them; sekisho config example shows how."
        ja "[authority] も [[gate]] もないため、動かすものがありません" => "sekisho config example を参考に追加してください。"
    NothingToPublish {}
        en "[publish] has neither listen nor folder nor metrics: nothing to publish" => "Add one of them, or take [publish] away."
        ja "[publish] に listen・folder・metrics のいずれもありません" => "いずれかを追加するか、[publish] を消してください。"
    GateNameInvalid { name, limit }
        en "{name} is no name for a gate" => "Use 1 to {limit} of: a-z, 0-9 and -"
        ja "{name} は関所の名前に使えません" => "英小文字・数字・ハイフン (-) だけで、1〜{limit}文字にしてください。"
    GateNameTwice { name, first }
        en "two gates are called {name}; the other is in line {first}" => "Give each its own name."
        ja "{name} という名前の関所がすでに {first} 行目にあります" => "別々の名前を付けてください。"
    HostNameInvalid { name }
        en "{name} is neither a host name nor an IP address" => "Write each as visitors type it, without https:// and port."
        ja "{name} はホスト名でも IP アドレスでもありません" => "接続に使う名前を、https:// とポートを除いて書いてください。"
    AddressTwice { address, one, other, first }
        en "{one} cannot listen at {address}: {other} does (line {first})" => "Give each its own port or address."
        ja "{address} では {other} ({first} 行目) が待ち受けるため、{one} は使えません" => "別々のポートまたはアドレスを指定してください。"
    CredentialNameInvalid { name }
        en "{name} is no name of a systemd credential" => "Write the name of LoadCredential=NAME:FILE, letters, digits, -, _ and . only."
        ja "{name} は systemd のクレデンシャルの名前に使えません" => "LoadCredential=名前:ファイル の「名前」を、英数字と - _ . だけで書いてください。"
    MetricsAddressInvalid { address }
        en "{address} is no address for metrics" => "Write an address and a port such as 127.0.0.1:9090, or a Unix socket such as unix:/run/sekisho/metrics.sock."
        ja "{address} は監視用のアドレスに使えません" => "127.0.0.1:9090 のようなアドレスとポート、または unix:/run/sekisho/metrics.sock のようなソケットを指定してください。"
    MetricsForOthers { address }
        en "anybody who reaches {address} could read the metrics" => "Use 127.0.0.1 or a Unix socket, or accept it with allow_remote_metrics = true."
        ja "{address} に届く人は、だれでも監視情報を読めてしまいます" => "127.0.0.1 かソケットを使ってください。承知のうえで使う場合は allow_remote_metrics = true としてください。"

    // ---- config: what the machine says ----
    AddressInUse { address }
        en "something listens at {address} already" => "If that is sekisho itself, all is well; if not, see what it is with: ss -ltnp"
        ja "{address} では、すでに何かが待ち受けています" => "sekisho 自身であれば問題ありません。そうでなければ ss -ltnp で確認してください。"
    AddressDenied { address }
        en "this user may not listen at {address}" => "Check as the user of the service, or give it the right to ports below 1024."
        ja "このユーザーには {address} で待ち受ける権限がありません" => "サービスのユーザーで確認するか、1024 未満のポートを使う権限を与えてください。"
    NoRevocationList { gate }
        en "{gate} has no revocation list: revoked certificates are let in" => "Name the list of its CA with crl (or --crl)."
        ja "{gate} に破棄リストの指定がないため、破棄した証明書でも通れます" => "認証局の破棄リストを crl (または --crl) で指定してください。"
    CertificateEndsSoon { path, until, days }
        en "a certificate in {path} ends on {until}, in {days} days" => "Replace it before then."
        ja "{path} の証明書の有効期限は {until} です (残り{days}日)" => "期限までに新しい証明書に置き換えてください。"
    CertificateHasEnded { path, until }
        en "a certificate in {path} ended on {until}" => "Replace it; visitors cannot come in with it."
        ja "{path} の証明書は {until} に期限が切れています" => "新しい証明書に置き換えてください。このままでは接続できません。"
    // ---- gate: the way to the upstream ----
    UpstreamNotForHttp { url }
        en "{url} carries mere octets, and this gate carries HTTP" => "Give an http://, https:// or unix: upstream, or set the gate's mode to tcp."
        ja "{url} はHTTPの転送先ではありませんが、この関所はHTTPを中継します" => "転送先を http://、https://、unix: のいずれかにするか、関所の mode を tcp にしてください。"
    UpstreamNotForTcp { url }
        en "{url} is for HTTP, and this gate carries mere octets (mode tcp)" => "Give a tcp://, tls:// or unix: upstream, or set the gate's mode to http."
        ja "{url} はHTTPの転送先ですが、この関所は mode が tcp のため、通信をそのまま中継します" => "転送先を tcp://、tls://、unix: のいずれかにするか、関所の mode を http にしてください。"
    UpstreamAuthorityMissing { url }
        en "nothing says which CA the certificate of {url} must come from" => "Name the file of that CA's certificate: upstream_ca."
        ja "{url} の証明書がどの認証局のものか、指定がありません" => "転送先の認証局の証明書ファイルを upstream_ca に指定してください。"
    UpstreamTlsUnused { url }
        en "TLS is set for the upstream, but the way to {url} is not encrypted" => "Give an https:// or tls:// upstream, or remove the TLS settings of the upstream."
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
    // ---- publisher ----
    PublishFolderNotOurs { path, user }
        en "the publisher (uid {user}) may not write to {path}" => "Give the folder to that account: chown {user} {path}"
        ja "公開用のプロセス (uid {user}) が {path} に書き込めません" => "次のコマンドでフォルダの所有者を変えてください: chown {user} {path}"
    /// The publisher's process could not be made, or ended before it served.
    PublisherNotStarted { reason }
        en "the publisher's process did not start: {reason}" => "See the lines above, and whether the machine has memory and processes left."
        ja "公開用のプロセスを起動できません: {reason}" => "上の行と、メモリとプロセス数の余裕を確かめてください。"

    // ---- door ----
    /// The control socket does not let this user in.
    ServiceNotForYou {}
        en "the running service takes no commands from this user" => "Run the command as root or as who started the service, or add your user id to `admins` in sekisho.toml and restart the service."
        ja "稼働中のサービスは、このユーザーからの操作を受け付けません" => "rootまたはサービスを起動したユーザーで実行するか、sekisho.toml の admins にユーザーIDを加えてサービスを再起動してください。"
    /// The control socket is there, but cannot be used.
    ServiceUnreachable { reason }
        en "the running service cannot be reached: {reason}" => "Try again; if it stays so, restart the service."
        ja "稼働中のサービスに接続できません: {reason}" => "もう一度実行し、それでも接続できない場合はサービスを再起動してください。"
    /// The service is there, but its authority is not yet.
    ServiceStarting {}
        en "a service runs over this data folder, but its authority does not answer yet" => "Wait until it has begun (its log says so), then try again; if it does not, stop the service and try again without it."
        ja "このデータフォルダのサービスは動いていますが、認証局がまだ応答しません" => "開始するまで待って (ログに表示されます) もう一度実行してください。開始しない場合は、サービスを止めてから実行してください。"
    /// The service does not answer in time.
    ServiceBusy {}
        en "the service did not answer within 10 seconds: it is carrying out something long, or is stuck" => "Ask again in a minute; if it stays so, restart the service."
        ja "サービスが10秒以内に応答しませんでした。長い処理の途中か、停止している可能性があります" => "1分ほど待って確かめ、続く場合はサービスを再起動してください。"
    /// The service ended while it was asked.
    ServiceGone {}
        en "the service ended before it answered; whether the command was carried out is not known" => "Look at `sekisho status` and `sekisho list`, then ask again if needed."
        ja "サービスが応答する前に終了しました。操作が行われたかどうかは分かりません" => "sekisho status と sekisho list で確かめ、必要ならもう一度実行してください。"
    /// The service is another version of this program.
    ServiceOtherVersion {}
        en "the running service is another version of this program" => "Restart the service, then ask again."
        ja "稼働中のサービスは、このコマンドとバージョンが違います" => "サービスを再起動してから、もう一度実行してください。"
    /// A command or reply over the limit.
    CommandTooLong { limit }
        en "the command or its answer is longer than {limit} octets" => "Ask for less at once."
        ja "コマンドまたは応答が{limit}バイトを超えています" => "一度に頼む量を減らしてください。"
    /// Only a running service can do it.
    ServiceNotRunning {}
        en "no service is running over this data folder" => "Start it with `sekisho serve`, or name the right folder with --dir."
        ja "このデータフォルダのサービスは動いていません" => "sekisho serve で起動するか、--dir で正しいフォルダを指定してください。"
    /// The same asking, a second time.
    AlreadyAsked { number }
        en "this was asked before, and certificate {number} was issued then" => "Nothing more was issued. Look at it with `sekisho show {number}`."
        ja "この発行はすでに行われ、証明書 {number} が発行されています" => "新しい証明書は発行していません。sekisho show {number} で確かめてください。"
    /// A gate did not close what it had to.
    GateDidNotCut { gate }
        en "the certificate is revoked, but gate {gate} did not confirm that its connections are closed" => "Restart the service now; until then somebody may still be connected."
        ja "証明書は破棄されましたが、関所 {gate} から、接続を切断したという応答がありません" => "すぐにサービスを再起動してください。それまでは接続が残っている可能性があります。"

    // ---- time ----
    RenewsRevoked { number }
        en "certificate {number} is revoked, and cannot be renewed" => "Issue a new certificate to its holder, if they may have one: sekisho issue"
        ja "証明書 {number} は破棄されているため、更新できません" => "持ち主に引き続き使わせてよい場合は、sekisho issue で新しい証明書を発行してください。"
    RenewedAlready { number, follower }
        en "certificate {number} is renewed already, by certificate {follower}" => "Hand out that one. If it was lost, revoke it, then renew again."
        ja "証明書 {number} はすでに証明書 {follower} に更新されています" => "証明書 {follower} をお渡しください。紛失した場合は、それを破棄してから、もう一度更新してください。"
    AuthorityNotRenewable { number }
        en "{number} is the certificate of the CA itself, and is not renewed" => "Make a new CA in another folder before this one ends, and issue new certificates to everybody."
        ja "{number} は認証局自身の証明書のため、更新できません" => "有効期限が来る前に、別のフォルダに新しい認証局を作成し、全員に証明書を発行し直してください。"
    ClockBehindLedger { now, newest, folder }
        en "this machine's clock says {now}, but the ledger's newest entry is of {newest}: no certificate and no CRL is signed until this is settled (revoking works)" => "Check the clock (timedatectl). If the time it says is right, confirm it: sekisho clock confirm --dir {folder}"
        ja "この機器の時計は {now} ですが、台帳の最新の記録は {newest} です。解決するまで証明書と CRL は発行できません (破棄はできます)" => "時計を確認してください (timedatectl)。今の表示が正しい場合は、sekisho clock confirm --dir {folder} で確定してください。"
    ClockDiverged { now, expected, folder }
        en "this machine's clock says {now}, but by the time that has passed it should say {expected}: no certificate and no CRL is signed until this is settled (revoking works)" => "Check the clock (timedatectl). If the time it says is right, confirm it: sekisho clock confirm --dir {folder}"
        ja "この機器の時計は {now} ですが、経過した時間から計算すると {expected} のはずです。解決するまで証明書と CRL は発行できません (破棄はできます)" => "時計を確認してください (timedatectl)。今の表示が正しい場合は、sekisho clock confirm --dir {folder} で確定してください。"
    // ---- gate: live revocation ----
    GateWithoutAuthority { gate }
        en "gate {gate} takes its certificates from the authority, and no authority is running with it" => "Serve it from a configuration with an [authority], or give it files of its own."
        ja "関所 {gate} は証明書を認証局から受け取る設定ですが、認証局が一緒に動いていません" => "[authority] のある設定ファイルで起動するか、関所に証明書のファイルを指定してください。"
    FeedUnavailable { reason }
        en "the system gives no thread to hear the authority on: {reason}" => "Check the limits of the service, then try again."
        ja "認証局からの通知を受け取るスレッドを作れません: {reason}" => "サービスの制限を確認して、もう一度実行してください。"
    // ---- shares of the vault ----
    ShareMistyped {}
        en "this is no share: a character is wrong or missing" => "Compare it with the paper, and type it again: twelve groups of four characters."
        ja "分割コードとして読めません。文字の間違いか抜けがあります" => "紙と見比べて、もう一度入力してください (4 文字ずつ 12 組です)。"
    ShareOfAnotherVault { found, vault }
        en "this share is of vault {found}, not of this one, {vault}" => "Look for the shares that say {vault}."
        ja "この分割コードは金庫 {found} のもので、この金庫 {vault} のものではありません" => "{vault} と書かれた分割コードを用意してください。"
    ShareOfAnotherSet {}
        en "this share was not made together with those before it" => "Use shares that were made on the same day. Older ones open nothing."
        ja "この分割コードは、先に入力したものと同じときに作られたものではありません" => "同じ日に作られた分割コードを使ってください。古いものでは開けません。"
    ShareTwice { number }
        en "share {number} was given already" => "Give another one."
        ja "分割コード {number} はすでに入力されています" => "別の分割コードを入力してください。"
    SharesTooFew { given, needed }
        en "{given} shares are not enough: {needed} are needed" => "Bring more of them together, then try again."
        ja "分割コードが足りません ({given} 個。{needed} 個必要です)" => "必要な数を集めて、もう一度実行してください。"
    WrongShares {}
        en "these shares do not open the vault: it has newer ones" => "Use the shares that were made last, or another way to open it (`sekisho vault slots`)."
        ja "この分割コードでは金庫を開けません。新しい分割コードが作られています" => "最後に作られた分割コードか、別の方法を使ってください (sekisho vault slots で確認できます)。"
    ShareCounts { least, most }
        en "so many shares cannot be made" => "At least {least} must be needed, no more than there are, and there may be {most} at most, such as: --threshold 2 --count 3"
        ja "その数の分割コードは作れません" => "必要な数は {least} 以上で全体の数以下、全体の数は {most} 以下にしてください (例: --threshold 2 --count 3)。"
    NoShares {}
        en "this vault has no shares" => "See what opens it with `sekisho vault slots`."
        ja "この金庫には分割コードがありません" => "開け方は sekisho vault slots で確認できます。"
    // ---- config check --profile ----
    ProfileNotMet { path, profile, count }
        en "{path} does not meet {profile} (requirements not met: {count})" => "Change what is said beside each, then check again."
        ja "{path} は {profile} に適合していません (不適合: {count}件)" => "それぞれの行の指示に従って変更し、もう一度確認してください。"
    // ---- a running service ----
    /// The authority's process ended before it had begun.
    AuthorityDidNotStart {}
        en "the authority could not begin its work" => "The lines above say why; mend that and start again."
        ja "認証局のプロセスを開始できませんでした" => "上の行に理由があります。原因を取り除いてから起動し直してください。"
    /// The authority's process could not be made.
    AuthorityNotSpawned { reason }
        en "the authority's process could not be started: {reason}" => "See whether the machine has memory and processes left, and /proc is mounted."
        ja "認証局のプロセスを起動できません: {reason}" => "メモリとプロセス数の余裕、/proc がマウントされていることを確かめてください。"
    /// A gate's process could not be made, or ended before it served.
    GateNotStarted { gate, reason }
        en "the process of gate {gate} did not start: {reason}" => "See the lines above, and whether the machine has memory and processes left."
        ja "関所 {gate} のプロセスを起動できません: {reason}" => "上の行と、メモリとプロセス数の余裕を確かめてください。"
    /// The authority that was to carry out root's command ended.
    OwnersAuthorityEnded { reason }
        en "the authority, started as the owner of the data folder, has ended: {reason}" => "See what it said; the folders above the data folder must be open to that user."
        ja "データフォルダの所有者として起動した認証局が終了しました: {reason}" => "表示された理由を確かめてください。データフォルダの上位フォルダは、その所有者が通れる必要があります。"
    /// A verb that only `serve` runs.
    NotForPeople {}
        en "this is started by `sekisho serve` only" => "Run `sekisho serve`."
        ja "これは sekisho serve が内部で起動するものです" => "sekisho serve を実行してください。"
    /// systemd passed no such credential.
    CredentialMissing { name }
        en "systemd has passed no credential named {name}" => "Add LoadCredential={name}:/path/to/the/key/file to the unit, then restart the service."
        ja "systemd から資格情報 {name} が渡されていません" => "ユニットに LoadCredential={name}:鍵ファイルのパス を加え、サービスを再起動してください。"
    /// Two services over one folder.
    ServiceRunsAlready { folder }
        en "a service runs over {folder} already" => "Stop it first, or use another folder with --dir."
        ja "{folder} のサービスはすでに動いています" => "先にそれを止めるか、--dir で別のフォルダを指定してください。"
    // ---- hardening ----
    /// The kernel does not have a layer.
    LayerUnsupported { role, layer }
        en "the {role} cannot be confined: this kernel does not have the layer {layer}" => "Use a kernel that has it (Linux 5.13 or newer, with Landlock and seccomp). Where that cannot be, leave it out by name: accept_missing = [\"{layer}\"] under [hardening], or serve --accept-missing {layer}"
        ja "{role} プロセスを隔離できません。このカーネルには防御層 {layer} がありません" => "Linux 5.13 以降 (Landlock と seccomp が有効なもの) を使用してください。それができない場合は、設定ファイルの [hardening] に accept_missing = [\"{layer}\"] と書くか、serve --accept-missing {layer} を指定すると、この層なしで起動します。"
    /// The system refused a layer.
    LayerRefused { role, layer, reason }
        en "the {role} cannot be confined: the system refused the layer {layer}: {reason}" => "See whether a container or the unit forbids it. Where that cannot be changed, leave it out by name: accept_missing = [\"{layer}\"] under [hardening], or serve --accept-missing {layer}"
        ja "{role} プロセスを隔離できません。防御層 {layer} がシステムに拒否されました: {reason}" => "コンテナやユニットの設定で禁止されていないか確かめてください。変更できない場合は、設定ファイルの [hardening] に accept_missing = [\"{layer}\"] と書くか、serve --accept-missing {layer} を指定すると、この層なしで起動します。"
    /// A role has no user of its own, but root's.
    RoleRunsAsRoot { role, layer }
        en "the {role} would run as root: one of the users sekisho-authority, sekisho-gate, sekisho-publisher is missing" => "Install the package, which makes the users (or run systemd-sysusers). To run without, leave it out by name: accept_missing = [\"{layer}\"] under [hardening], or serve --accept-missing {layer}"
        ja "{role} プロセスが root のまま動くことになります。ユーザー sekisho-authority、sekisho-gate、sekisho-publisher のいずれかがありません" => "パッケージをインストールしてユーザーを作成してください (systemd-sysusers でも作成できます)。専用ユーザーなしで動かす場合は、設定ファイルの [hardening] に accept_missing = [\"{layer}\"] と書くか、serve --accept-missing {layer} を指定してください。"
    /// A role has the user of another.
    RoleSharesUser { role, layer, user }
        en "the {role} would run as user {user}, as another process of the service does: one that is captured reaches the others" => "Start the service as root, with the package's users. To run without, leave it out by name: accept_missing = [\"{layer}\"] under [hardening], or serve --accept-missing {layer}"
        ja "{role} プロセスが、サービスの他のプロセスと同じユーザー {user} で動くことになります。一つが乗っ取られると、他のプロセスにも影響します" => "パッケージのユーザーを用意し、root でサービスを起動してください。ユーザーを分けずに動かす場合は、設定ファイルの [hardening] に accept_missing = [\"{layer}\"] と書くか、serve --accept-missing {layer} を指定してください。"
    /// No required layer is called so.
    LayerUnknown { name, known }
        en "{name} is no layer that may be missing" => "Use one of: {known}."
        ja "{name} という防御層はありません" => "次のいずれかを指定してください: {known}"
    // ---- the service manager ----
    SocketsNotPassed { reason }
        en "systemd announced listening sockets, but they are not there: {reason}" => "See the .socket unit of the service, or stop it: the service then listens by itself."
        ja "systemd から渡されるはずのソケットがありません: {reason}" => "サービスの .socket ユニットを確認するか、停止してください (停止すると、サービスが自分で待ち受けます)。"
    SocketNotListening { name }
        en "the socket {name} that systemd passed is no TCP socket that listens" => "In the .socket unit, write ListenStream=ADDRESS:PORT."
        ja "systemd から渡されたソケット {name} は、待ち受け中の TCP ソケットではありません" => ".socket ユニットに ListenStream=アドレス:ポート と書いてください。"
    // ---- backup ----
    NotABackup {}
        en "the file is not a backup of sekisho" => "Give the file that `sekisho backup --to FILE` wrote."
        ja "sekisho のバックアップファイルではありません" => "sekisho backup --to ファイル で作成したファイルを指定してください。"
    BackupDamaged {}
        en "the backup is damaged or cut short" => "Use another copy of it, or an earlier backup, and check the disk it lay on."
        ja "バックアップが壊れているか、途中で切れています" => "別のコピーか以前のバックアップを使い、保存していたディスクを点検してください。"
    BackupCosts {}
        en "the backup asks for more, or less, work than sekisho ever writes" => "The file was changed by somebody else; use another copy of it."
        ja "バックアップの計算量の指定が sekisho のものではありません" => "ファイルが書き換えられています。別のコピーを使ってください。"
    WrongBackupPassphrase {}
        en "the passphrase does not open the backup" => "Type the passphrase that was set for this backup; it is not the vault's."
        ja "パスフレーズが違うため、バックアップを開けられません" => "このバックアップの作成時に決めたパスフレーズを入力してください (金庫のパスフレーズとは別のものです)。"
    NoTerminalForBackup {}
        en "the backup needs a passphrase of its own, and there is no terminal to ask at" => "Name a file that holds it: --backup-passphrase-file FILE"
        ja "バックアップ専用のパスフレーズが必要ですが、入力できる端末がありません" => "パスフレーズを書いたファイルを --backup-passphrase-file で指定してください。"
    /// The authority was started again, or another copy was begun.
    BackupInterrupted {}
        en "the backup was interrupted: the service was restarted, or another backup was begun" => "Start the backup again."
        ja "サービスの再起動か別のバックアップの開始により、バックアップが中断されました" => "バックアップをもう一度実行してください。"
    BackupForgotten {}
        en "the service was restarted, or another backup was begun, before this one was finished" => "The file is whole: `sekisho backup verify FILE` tries it out. Make another backup for it to be recorded."
        ja "このバックアップが終わる前に、サービスが再起動したか、別のバックアップが開始されました" => "ファイルは完成しています。sekisho backup verify ファイル で確かめられます。記録を残すには、もう一度バックアップしてください。"
    FolderNotBlank { folder, name }
        en "{folder} is not empty ({name} lies in it), and a backup is only restored onto an empty folder" => "Move what is there away, or name another folder with --dir."
        ja "{folder} が空ではないため ({name} があります)、復元できません" => "中のものを別の場所に移すか、--dir で空のフォルダを指定してください。"
    NotReconciled { folder }
        en "this CA was restored from a backup and does not know yet what was revoked since: nothing is signed and nobody is let in" => "Give it the newest published CRL: sekisho restore reconcile --crl FILE --dir {folder}. Only if there is none: --without-crl instead of --crl FILE."
        ja "この認証局はバックアップから復元されたもので、その後に破棄された証明書をまだ把握していません。署名も接続の許可も止めています" => "公開済みの最新の CRL を指定してください: sekisho restore reconcile --crl ファイル --dir {folder}。CRL がまったくない場合だけ、--crl ファイル の代わりに --without-crl を指定します。"
    NothingToReconcile {}
        en "this CA was not restored from a backup, or is reconciled already" => "Nothing needs to be done."
        ja "この認証局は復元されたものではないか、すでに照合が済んでいます" => "必要な操作はありません。"
    RevocationListOlderThanBackup { list, known }
        en "CRL {list} is older than the backup, which knows CRL {known}" => "Find the newest CRL: ask those who fetch it, such as other servers, or look where it was published."
        ja "CRL {list} はバックアップより古いものです (バックアップには CRL {known} までの記録があります)" => "最新の CRL を探してください。公開先のほか、CRL を取得している他のサーバにも残っていることがあります。"
    // ---- anchor ----
    NotAnAnchor {}
        en "this is no anchor" => "Give the file that `sekisho anchor export` wrote, or type its groups of letters."
        ja "アンカーではありません" => "sekisho anchor export が書き出したファイルを指定するか、その英数字を入力してください。"
    AnchorMistyped {}
        en "the anchor has a typing error, or is not whole" => "Compare it with the paper, group by group."
        ja "アンカーに入力の誤りか抜けがあります" => "紙の控えと 4 文字ずつ見比べてください。"
    AnchorOfAnother {}
        en "the anchor is of another CA" => "Name the folder of that CA with --dir, or use this CA's anchor."
        ja "別の認証局のアンカーです" => "--dir でその認証局のフォルダを指定するか、この認証局のアンカーを使ってください。"
    AnchorForged {}
        en "the anchor's seal is not this vault's: somebody else made it" => "Use an anchor from another place, and find out who wrote this one."
        ja "アンカーの封印がこの金庫のものではありません。他人が作ったものです" => "別の場所に保管したアンカーを使い、このアンカーの出どころを調べてください。"
    LedgerRolledBack { entries, sequence, time }
        en "the ledger was rolled back: it ends at entry {entries}, and entry {sequence} of {time} is known to have been there" => "If nobody restored it on purpose, an old copy of the data folder took its place: revocations since are lost. Stop the service, keep the folder, and restore the newest backup with the newest CRL."
        ja "台帳が巻き戻されています。{time} の記録 {sequence} があったはずですが、記録 {entries} で終わっています" => "意図して復元したのでなければ、古いデータフォルダに入れ替わっており、その後の破棄が失われています。サービスを止めてフォルダを保存し、最新のバックアップを最新の CRL とともに復元してください。"
    LedgerForked { sequence, time }
        en "the ledger has another history: its entry {sequence} is not the one of {time}" => "If nobody restored it on purpose, an old copy of the data folder took its place and was used since: revocations are lost. Stop the service, keep the folder, and restore the newest backup with the newest CRL."
        ja "台帳の履歴が異なります。記録 {sequence} が {time} のものではありません" => "意図して復元したのでなければ、古いデータフォルダに入れ替わって使われており、破棄が失われています。サービスを止めてフォルダを保存し、最新のバックアップを最新の CRL とともに復元してください。"
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
