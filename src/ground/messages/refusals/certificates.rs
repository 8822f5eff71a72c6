//! What is said of names, certificates, requests, keys and revocation lists.

macro_rules! certificates {
    ([$next:ident $($rest:ident)*] $($before:tt)*) => { $next! { [$($rest)*] $($before)*

    // ---- pki: names ----
    NameEmpty {}
        en "the name is empty" => "Give a name of 1 to 64 characters."
        ja "名前が空です" => "1 文字以上 64 文字以内の名前を指定してください。"
    NameTooLong { characters, limit }
        en "the name has {characters} characters; at most {limit} are allowed" => "Give a shorter name."
        ja "名前が {characters} 文字あり、上限の {limit} 文字を超えています" => "短い名前を指定してください。"
    NameSpaceAtEnd {}
        en "the name begins or ends with a space" => "Remove the space at the beginning or end."
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

    // ---- pki: requests, keys and bundles ----
    RequestTooLarge { limit }
        en "the certificate request is larger than {limit} bytes" => "Check that it is the right file (.csr)."
        ja "証明書署名要求 (CSR) が {limit} バイトを超えています" => "正しいファイル (.csr) か確認してください。"
    RequestMalformed {}
        en "this is not a valid certificate request" => "Check that it is the right file (.csr) and that it was copied completely."
        ja "証明書署名要求 (CSR) として読み取れません" => "正しいファイル (.csr) か、最後までコピーされているか確認してください。"
    RequestNoProofOfPossession {}
        en "the certificate request is not signed with its own key" => "Have the request made again on the device that holds the key."
        ja "証明書署名要求 (CSR) が、その鍵自身で署名されていません" => "鍵を持つ機器で、証明書署名要求を作り直してください。"
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
        ja "鍵を作成または使用できませんでした" => "もう一度実行してください。繰り返す場合は、この機器を点検してください。"
    BundleOtherKey {}
        en "the certificate and the private key do not belong together" => "Choose the key that was made for this certificate."
        ja "証明書と秘密鍵の組み合わせが一致しません" => "この証明書のために作られた秘密鍵を指定してください。"
    BundlePassphrase {}
        en "the passphrase is empty or has characters other than ASCII" => "Use letters, digits and ASCII symbols."
        ja "パスフレーズが空か、半角英数字と記号以外の文字が含まれています" => "半角の英数字と記号だけで指定してください。"

    // ---- pki: issuing ----
    IssueEndsBeforeItBegins {}
        en "the certificate would end before it begins" => "Give a longer validity."
        ja "証明書の有効期限が開始日時より前になります" => "有効期間を長く指定してください。"
    IssueBeginsBeforeIssuer { date }
        en "the certificate would begin before the CA certificate does ({date})" => "Check the clock of this machine."
        ja "証明書の開始日時が認証局の証明書の開始日時 ({date}) より前になります" => "この機器の時計を確認してください。"
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
        en "certificate {number} was already revoked on {time}" => "Nothing more needs to be done. If the gates do not know yet, issue a CRL: sekisho crl (or orca-catool issue_crl)"
        ja "証明書 {number} は {time} にすでに破棄されています" => "破棄の操作は不要です。サーバにまだ伝わっていない場合は sekisho crl (または orca-catool issue_crl) で CRL を発行してください。"
    NeverIssued { number }
        en "certificate {number} was never finished, and counts as revoked" => "Issue a new one."
        ja "証明書 {number} は発行が完了しておらず、破棄済みとして扱われます" => "新しい証明書を発行してください。"
    AuthorityNotRevocable { number }
        en "certificate {number} is the CA's own and cannot be revoked by itself" => "If its key may be stolen, create a new CA and hand out new certificates; SECURITY.md says how."
        ja "証明書 {number} は認証局自身のもので、自分では破棄できません" => "鍵が盗まれた恐れがあるときは、新しい認証局を作成して証明書を配り直してください (SECURITY.md 参照)。"
    ReasonNotPermanent { reason, permanent }
        en "{reason} is not a reason for revoking permanently" => "Use one of: {permanent}"
        ja "{reason} は破棄の理由に使えません" => "次のいずれかを指定してください: {permanent}"
    KeyNotKept { number }
        en "the private key of certificate {number} is not kept here" => "Issue a new certificate and revoke this one."
        ja "証明書 {number} の秘密鍵は保管されていません" => "新しい証明書を発行し、この証明書を破棄してください。"
    RenewsRevoked { number }
        en "certificate {number} is revoked, and cannot be renewed" => "Issue a new certificate to its holder, if they may have one: sekisho issue"
        ja "証明書 {number} は破棄されているため、更新できません" => "持ち主に引き続き使わせてよい場合は、sekisho issue で新しい証明書を発行してください。"
    RenewedAlready { number, follower }
        en "certificate {number} has already been renewed, by certificate {follower}" => "Hand out that one. If it was lost, revoke it, then renew again."
        ja "証明書 {number} はすでに証明書 {follower} に更新されています" => "証明書 {follower} をお渡しください。紛失した場合は、それを破棄してから、もう一度更新してください。"
    AuthorityNotRenewable { number }
        en "{number} is the certificate of the CA itself, and is not renewed" => "Make a new CA in another folder before this one ends, and issue new certificates to everybody."
        ja "{number} は認証局自身の証明書のため、更新できません" => "有効期限が来る前に、別のフォルダに新しい認証局を作成し、全員に証明書を発行し直してください。"
    ValidityOutOfRange { days, longest }
        en "{days} days is not between 1 and {longest}" => "Give another number of days."
        ja "{days} 日は 1 から {longest} の範囲にありません" => "日数を指定し直してください。"
    ValidityBeyondIssuer { asked, last, days }
        en "a certificate until {asked} would outlive the CA, which ends on {last}" => "Ask for at most {days} days."
        ja "{asked} までの証明書は、認証局の有効期限 ({last}) を超えます" => "{days} 日以内で指定してください。"
    IssuerExpired { ended }
        en "the CA expired on {ended} and no longer signs anything" => "Check this machine's clock. If it is right, create a new CA and hand out new certificates."
        ja "認証局は {ended} に期限切れとなり、もう署名できません" => "この機器の時計を確認してください。正しければ、新しい認証局を作成して証明書を配り直してください。"
    IssuerNotYetValid { begins, now }
        en "the CA is valid only from {begins}, and this machine's clock says {now}" => "Set the clock, then try again."
        ja "認証局の開始日時は {begins} ですが、この機器の時計は {now} です" => "時計を合わせてから、もう一度実行してください。"
    LintFailed { field }
        en "the certificate would not be what was asked for (field {field}); it was not signed" => "This is a bug in sekisho: please report it with the command you ran."
        ja "証明書の内容が要求と一致しないため ({field})、署名しませんでした" => "sekisho の不具合です。実行したコマンドを添えて報告してください。"

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
        ja "破棄リスト (CRL) の発行日時が未来 ({this_update}) になっています" => "この機器と認証局の時計を確認してください。"
    } };
}
