//! What is said of commands and their results.

macro_rules! command_line {
    ([$next:ident $($rest:ident)*] $($before:tt)*) => { $next! { [$($rest)*] $($before)*

    NextStep {}
        en "Next:"
        ja "次の手順:"

    // ---- the command line ----
    ErrorMark {}
        en "error: "
        ja "エラー: "
    Warning {}
        en "warning: "
        ja "注意: "
    AskPassphrase {}
        en "Passphrase of the vault: "
        ja "金庫のパスフレーズ: "
    AskNewPassphrase { least }
        en "New passphrase for the vault (at least {least} characters): "
        ja "金庫の新しいパスフレーズ ({least}文字以上): "
    AskPassphraseAgain {}
        en "The same again, to confirm: "
        ja "確認のためもう一度: "
    AskRecoveryCode {}
        en "Recovery code: "
        ja "復旧コード: "
    RecoveryCode {}
        en "If the passphrase is lost, this recovery code opens the vault. It is shown only now:\nwrite it down and keep the paper in a safe."
        ja "パスフレーズを忘れたときは、次の復旧コードで金庫を開けられます。表示は今回だけです。\n紙に書き写して、鍵のかかる場所に保管してください。"
    RepairedVaultFinished {}
        en "an interrupted change of the vault turned out to be complete, and was recorded"
        ja "中断していた金庫の変更は完了していたため、台帳に記録しました"
    RepairedVaultUndone {}
        en "an interrupted change of the vault had not been made; the vault is as before. Run the command again."
        ja "金庫の変更が中断され、行われていませんでした。もう一度実行してください"
    RepairedAbandoned { numbers }
        en "certificates whose issuing was interrupted count as revoked, and will be on the next CRL: {numbers}"
        ja "発行が中断された証明書は破棄済みとして扱い、次の CRL に載せます: {numbers}"
    UndeliveredRevoked { number }
        en "certificate {number} could not be handed out and was revoked"
        ja "証明書 {number} は手渡せなかったため破棄しました"
    UndeliveredNotRevoked { number }
        en "certificate {number} could not be handed out, and could not be revoked either. Revoke it: sekisho revoke {number}"
        ja "証明書 {number} は手渡せず、破棄もできませんでした。sekisho revoke {number} で破棄してください"
    AuthorityCreated {}
        en "The CA is created."
        ja "認証局を作成しました。"
    LabelName {}
        en "name"
        ja "名前"
    LabelHosts {}
        en "hosts"
        ja "ホスト"
    LabelFrom {}
        en "valid from"
        ja "有効期間の開始"
    LabelUntil {}
        en "valid until"
        ja "有効期限"
    LabelFolder {}
        en "data folder"
        ja "データフォルダ"
    LabelAuthorityFile {}
        en "CA certificate"
        ja "CA証明書"
    LabelFile {}
        en "file"
        ja "ファイル"
    LabelPassphrase {}
        en "passphrase"
        ja "パスフレーズ"
    LabelPerson {}
        en "person"
        ja "使う人"
    LabelDevice {}
        en "device"
        ja "機器"
    LabelSource {}
        en "asked for by"
        ja "発行の依頼元"
    LabelRevoked {}
        en "revoked"
        ja "破棄日時"
    LabelSerial {}
        en "serial number"
        ja "シリアル番号"
    LabelFingerprint {}
        en "SHA-256"
        ja "SHA-256"
    LabelKeyPlace {}
        en "private key"
        ja "秘密鍵"
    KeyInVault {}
        en "in the vault"
        ja "金庫の中"
    KeyEscrowed {}
        en "handed out; a sealed copy is kept"
        ja "配布済み (封印したコピーを保管)"
    KeyForgotten {}
        en "handed out; the copy is deleted"
        ja "配布済み (コピーは消去済み)"
    KeyHandedOut {}
        en "handed out; no copy is kept"
        ja "配布済み (コピーなし)"
    KeyOfRequester {}
        en "made by its holder"
        ja "持ち主が作成"
    NextIssue { folder }
        en "Next: sekisho issue server HOST --dir {folder}"
        ja "次の手順: sekisho issue server ホスト名 --dir {folder}"
    Issued { number }
        en "Certificate {number} is issued."
        ja "証明書 {number} を発行しました。"
    AppleLimit {}
        en "Note: iPhone, iPad and Mac refuse server certificates that last over 825 days."
        ja "注意: iPhone・iPad・Mac は有効期間が825日を超えるサーバ証明書を受け付けません。"
    PlainKeyWritten {}
        en "Note: the .pem file holds the private key in the clear. Delete it where it is not needed."
        ja "注意: .pem ファイルは暗号化していない秘密鍵です。不要な場所からは削除してください。"
    NextServer {}
        en "Next: install the file on the server. Give the passphrase separately from the file."
        ja "次の手順: ファイルをサーバに設置してください。パスフレーズはファイルとは別の方法で渡してください。"
    NextClient {}
        en "Next: import the file on the holder's device. Give the passphrase separately from the file."
        ja "次の手順: 使う人の機器にファイルを取り込んでください。パスフレーズはファイルとは別の方法で渡してください。"
    LookAlike { name, other, number }
        en "{name} looks like {other}, the name of certificate {number} in force"
        ja "{name} は、有効な証明書 {number} の名前 {other} と見分けにくい名前です"
    DoneBefore { number }
        en "{number}  done before"
        ja "{number}  発行済み"
    LineNumber { line }
        en "line {line}"
        ja "{line}行目"
    BulkResults { path }
        en "Numbers and passphrases are in {path}; keep it secret."
        ja "番号とパスフレーズは {path} にあります。他人に見せないでください。"
    ColumnNumber {}
        en "No."
        ja "番号"
    ColumnKind {}
        en "kind"
        ja "種類"
    ColumnName {}
        en "name"
        ja "名前"
    ColumnUntil {}
        en "until"
        ja "有効期限"
    ColumnState {}
        en "state"
        ja "状態"
    KindAuthority {}
        en "CA"
        ja "認証局"
    KindServer {}
        en "server"
        ja "サーバ"
    KindClient {}
        en "client"
        ja "クライアント"
    StandingValid {}
        en "valid"
        ja "有効"
    StandingSoon { days }
        en "ends in {days} days"
        ja "あと{days}日"
    StandingNotYet {}
        en "not yet valid"
        ja "開始前"
    StandingExpired {}
        en "expired"
        ja "期限切れ"
    StandingRevoked {}
        en "revoked"
        ja "破棄済み"
    StandingAbandoned {}
        en "never finished"
        ja "発行中断"
    StandingIntended {}
        en "being signed"
        ja "発行中"
    ListHidden { count }
        en "{count} more that are revoked, expired or never finished: sekisho list --all"
        ja "ほかに破棄済み・期限切れ・発行中断が{count}件あります: sekisho list --all"
    LedgerVerified { entries, certificates }
        en "The ledger is whole: {entries} entries, {certificates} certificates."
        ja "台帳に異常はありません: 記録{entries}件、証明書{certificates}件。"
    Revoked { number, name }
        en "Certificate {number} ({name}) is revoked."
        ja "証明書 {number} ({name}) を破棄しました。"
    CrlWritten { number, entries, until }
        en "CRL {number} is signed: {entries} certificates, valid until {until}."
        ja "CRL {number} を発行しました: {entries}件、{until} まで有効。"
    RevokedWithoutCrl { number }
        en "certificate {number} is revoked, but no CRL has been signed to tell the gates. Sign one: sekisho crl"
        ja "証明書 {number} は破棄しましたが、CRL が未発行のため関所には伝わっていません。sekisho crl で発行してください"
    KeyIsForgotten { number }
        en "The kept private key of certificate {number} is deleted from the ledger."
        ja "証明書 {number} の秘密鍵の控えを台帳から削除しました。"
    Exported {}
        en "The bundle is written, under a new passphrase."
        ja "新しいパスフレーズで書き出しました。"
    KeyFileHandedOver {}
        en "The new key file belongs to the user sekisho, as whom the service reads it."
        ja "新しい鍵ファイルは、サービスが読めるようユーザー sekisho の所有にしました。"
    PassphraseChanged {}
        en "The passphrase is changed. The passphrase, recovery code and key file of before open only old backups: keep them as long as those. What opens the vault now:"
        ja "パスフレーズを変更しました。以前のパスフレーズ・復旧コード・鍵ファイルで開くのは、これまでのバックアップだけです (バックアップを残す間は一緒に保管してください)。金庫を開ける方法は次のとおりです:"
    RewrapOnly {}
        en "the data key is the same: whoever has an old copy of the vault and its secret can open what comes later"
        ja "データ鍵は変わっていません。古い金庫のコピーと、それを開けるパスフレーズなどを持つ人は、今後の内容も開けられます"
    SlotPassphrase {}
        en "passphrase"
        ja "パスフレーズ"
    SlotRecoveryCode {}
        en "recovery code"
        ja "復旧コード"
    SlotKeyFile {}
        en "key file"
        ja "鍵ファイル"
    ConfigurationGood {}
        en "The configuration is good."
        ja "設定に問題はありません。"
    QuickstartReady { url }
        en "The gate is open at {url}. Try it in another terminal:"
        ja "関所を {url} で開きました。別の端末で次のコマンドを試してください:"
    QuickstartBrowser {}
        en "In a browser: import this file with this passphrase, and the CA certificate as trusted."
        ja "ブラウザでは、次のファイルをパスフレーズで取り込み、CA証明書を信頼する認証局として取り込んでください。"
    QuickstartKeyFile { folder }
        en "The vault opens with {folder}/vault.key, so that nothing had to be asked. A key beside the data protects\nagainst nothing but a copied vault file. To set a passphrase and drop that key:"
        ja "何も尋ねずに済むよう、金庫は {folder}/vault.key で開きます。データと同じ場所の鍵で防げるのは、金庫ファイルだけを\nコピーされた場合に限られます。パスフレーズを設定してこの鍵を無効にするには:"
    QuickstartNext { program, folder }
        en "Next: {program} issue client NAME --dir {folder}   (Ctrl-C closes the gate)"
        ja "次の手順: {program} issue client 名前 --dir {folder}   (Ctrl-C で関所を閉じます)"
    OrcaUnknownKeys { path, keys }
        en "{path} has settings that mean nothing here and are not used: {keys}"
        ja "{path} の次の設定は使われません: {keys}"
    ZipsLieAbout { folder, count }
        en "{count} zip files with private keys and their passphrases are in {folder}. Delete them once they are installed; export_cert writes them again."
        ja "秘密鍵とパスフレーズの入った zip ファイルが {folder} に{count}個あります。設置が済んだら削除してください。必要なときは export_cert で書き出し直せます"
    OrcaNextCrl {}
        en "Next: orca-catool issue_crl, and give the CRL to the server."
        ja "次の手順: orca-catool issue_crl を実行し、CRL をサーバに設置してください。"
    ValidityShortened { until }
        en "the certificate is shortened to the end of the CA: {until}"
        ja "有効期間を認証局の期限 {until} までに短縮しました"
    } };
}
