//! The sentences that are no refusals.

texts! {
    NextStep {}
        en "Next:"
        ja "次の手順:"

    // ---- gate: pages ----
    TitleBadRequest {}
        en "The request was not understood"
        ja "リクエストを受け付けられません"
    PageBadRequest {}
        en "The request was malformed and was not passed on to the application."
        ja "リクエストの形が正しくないため、アプリケーションへは渡しませんでした。"
    TitleCrossSite {}
        en "Stopped for your safety"
        ja "安全のために操作を止めました"
    PageCrossSite {}
        en "This request came from another website. Open this site directly and try again."
        ja "別のウェブサイトから送られた操作でした。このサイトを直接開いて、もう一度操作してください。"
    TitleMethodNotAllowed {}
        en "Not accepted here"
        ja "この操作は受け付けていません"
    PageMethodNotAllowed {}
        en "This kind of request is not accepted here."
        ja "この種類のリクエストは受け付けていません。"
    TitleForeignHost {}
        en "Check the address"
        ja "アドレスを確認してください"
    PageForeignHost {}
        en "The name in the address bar is not in this server's certificate."
        ja "アドレス欄の名前は、このサーバの証明書にありません。"
    TitleUpstreamDown {}
        en "The application is not answering"
        ja "アプリケーションが応答していません"
    PageUpstreamDown {}
        en "Your certificate was accepted; it is the application that cannot be reached. What you sent was not processed. Please wait a moment and reload; if it goes on, tell the administrator."
        ja "証明書の確認は済んでいます。アプリケーションに接続できないため、送信した内容は処理されていません。しばらく待ってから再読み込みしてください。続く場合は、管理者に連絡してください。"
    TitleUpstreamBroken {}
        en "The application broke off"
        ja "アプリケーションの応答が途切れました"
    TitleUpstreamSlow {}
        en "The application is taking too long"
        ja "アプリケーションの応答に時間がかかっています"
    TitleRequestTimeout {}
        en "The request was not completed"
        ja "送信が途中で止まりました"
    Greeting { name }
        en "Welcome, {name}. Your certificate was accepted."
        ja "ようこそ、{name} さん。証明書を確認しました。"
    GreetingName {}
        en "Name"
        ja "名前"
    GreetingIssuer {}
        en "Issued by"
        ja "発行者"
    GreetingSerial {}
        en "Serial number"
        ja "シリアル番号"
    GreetingExpiry {}
        en "Valid until"
        ja "有効期限"
    GreetingNext {}
        en "This page is a placeholder. Name your application with --upstream to put it behind this gate."
        ja "これは見本のページです。--upstream でアプリケーションを指定すると、この入口の内側に置けます。"

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
        en "The same once more: "
        ja "確認のためもう一度: "
    AskRecoveryCode {}
        en "Recovery code: "
        ja "復旧コード: "
    RecoveryCode {}
        en "If the passphrase is lost, this recovery code opens the vault. It is shown only now:\nwrite it down and keep the paper in a safe."
        ja "パスフレーズを忘れたときは、次の復旧コードで金庫を開けられます。表示は今回だけです。\n紙に書き写して、鍵のかかる場所に保管してください。"
    RepairedVaultFinished {}
        en "an interrupted change of the vault was found done, and recorded"
        ja "中断していた金庫の変更は完了していたため、台帳に記録しました"
    RepairedVaultUndone {}
        en "an interrupted change of the vault was not done; the vault is as before. Repeat the command."
        ja "金庫の変更が中断され、行われていませんでした。もう一度実行してください"
    RepairedAbandoned { numbers }
        en "interrupted certificates count as revoked and will be on the next CRL: {numbers}"
        ja "発行が中断された証明書は破棄済みとして扱い、次の CRL に載せます: {numbers}"
    UndeliveredRevoked { number }
        en "certificate {number} could not be handed out and was revoked"
        ja "証明書 {number} は手渡せなかったため破棄しました"
    UndeliveredNotRevoked { number }
        en "certificate {number} could not be handed out, and could not be revoked either: revoke it"
        ja "証明書 {number} は手渡せず、破棄もできませんでした。破棄してください"
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
        ja "配布済み (封印した写しを保管)"
    KeyForgotten {}
        en "handed out; the copy is deleted"
        ja "配布済み (写しは消去済み)"
    KeyHandedOut {}
        en "handed out; no copy is kept"
        ja "配布済み (写しなし)"
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
        en "Numbers and passphrases are in {path}; it is secret."
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
        en "certificate {number} is revoked, but no CRL tells the gates yet. Publish one: sekisho crl"
        ja "証明書 {number} は破棄しましたが、CRL が未発行のため関所には伝わっていません。sekisho crl で発行してください"
    KeyIsForgotten { number }
        en "The kept private key of certificate {number} is deleted from the ledger."
        ja "証明書 {number} の秘密鍵の控えを台帳から削除しました。"
    Exported {}
        en "The bundle is written, under a new passphrase."
        ja "新しいパスフレーズで書き出しました。"
    PassphraseChanged {}
        en "The passphrase is changed. What opens the vault now:"
        ja "パスフレーズを変更しました。金庫を開ける方法は次のとおりです:"
    RewrapOnly {}
        en "the data key is the same: whoever has an old copy of the vault and its secret can open what comes later"
        ja "データ鍵は変わっていません。古い金庫の写しとその秘密を持つ人は、今後の内容も開けられます"
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
        ja "何も尋ねずに済むよう、金庫は {folder}/vault.key で開きます。データと同じ場所の鍵で防げるのは、金庫ファイルだけを\n写し取られた場合に限られます。パスフレーズを設定してこの鍵を無効にするには:"
    QuickstartNext { program, folder }
        en "Next: {program} issue client NAME --dir {folder}   (Ctrl-C closes the gate)"
        ja "次の手順: {program} issue client 名前 --dir {folder}   (Ctrl-C で関所を閉じます)"
    OrcaUnknownKeys { path, keys }
        en "{path} has settings that mean nothing here and are not used: {keys}"
        ja "{path} の次の設定は使われません: {keys}"
    ZipsLieAbout { folder, count }
        en "{count} zip files with private keys and their passphrases lie in {folder}. Delete them once they are installed; export_cert writes them again."
        ja "秘密鍵とパスフレーズの入った zip ファイルが {folder} に{count}個あります。設置が済んだら削除してください。必要なときは export_cert で書き出し直せます"
    OrcaNextCrl {}
        en "Next: orca-catool issue_crl, and give the CRL to the server."
        ja "次の手順: orca-catool issue_crl を実行し、CRL をサーバに設置してください。"
    ValidityShortened { until }
        en "the certificate is shortened to the end of the CA: {until}"
        ja "有効期間を認証局の期限 {until} までに短縮しました"

    // ---- gate: refusal page ----
    RefusedNext {}
        en "What to do"
        ja "次にすること"
    RefusedTryAgain {}
        en "Try again"
        ja "もう一度試す"
    RefusedContact {}
        en "Administrator"
        ja "管理者"
    RefusedTime {}
        en "Time"
        ja "日時"
    RefusedReference {}
        en "Reference, for the administrator"
        ja "受付番号 (管理者にお伝えください)"
    RefusedNoCertificate {}
        en "A certificate is needed"
        ja "証明書が必要です"
    RefusedNoCertificateReason {}
        en "This site opens only to those who show a certificate, and your browser has shown none."
        ja "このサイトを開くには証明書が必要ですが、お使いのブラウザから証明書が送られてきませんでした。"
    RefusedNoCertificateNext {}
        en "Import the certificate file you were given, then press “Try again” and choose it.\nIf it was imported before, it may have expired: browsers stop offering a certificate then. Ask the administrator for a new one."
        ja "管理者から受け取った証明書ファイルをブラウザに取り込み、「もう一度試す」を押して、その証明書を選んでください。\n以前に取り込んだ証明書がある場合は、有効期限が切れてブラウザが送らなくなった可能性があります。管理者に新しい証明書を依頼してください。"
    RefusedExpired {}
        en "Your certificate has expired"
        ja "証明書の有効期限が切れています"
    RefusedExpiredReason { date }
        en "The certificate that was shown was valid until {date}."
        ja "送られた証明書の有効期限は {date} まででした。"
    RefusedExpiredNext {}
        en "Ask the administrator for a new certificate. Once it is imported, press “Try again” and choose the new one."
        ja "管理者に新しい証明書を依頼してください。取り込みが済んだら「もう一度試す」を押し、新しい証明書を選んでください。"
    RefusedNotYetValid {}
        en "Your certificate is not valid yet"
        ja "証明書の有効期間が始まっていません"
    RefusedNotYetValidReason { date }
        en "The certificate that was shown is valid from {date}."
        ja "送られた証明書が使えるのは {date} からです。"
    RefusedNotYetValidNext {}
        en "Please come back after that time. If that time has passed already, the server's clock may be wrong: tell the administrator."
        ja "その日時を過ぎてから、もう一度開いてください。すでに過ぎている場合は、サーバの時計がずれている可能性があります。管理者に連絡してください。"
    RefusedRevoked {}
        en "Your certificate has been revoked"
        ja "この証明書は破棄されています"
    RefusedRevokedReason {}
        en "The certificate that was shown can no longer be used, because the administrator has revoked it."
        ja "送られた証明書は管理者によって破棄されたため、使えなくなっています。"
    RefusedRevokedNext {}
        en "If you were given a newer certificate, import it, press “Try again” and choose it.\nOtherwise ask the administrator."
        ja "新しい証明書を受け取っている場合は、取り込んでから「もう一度試す」を押し、その証明書を選んでください。\n受け取っていない場合や、お心当たりがない場合は、管理者に連絡してください。"
    RefusedUnknown {}
        en "This certificate is not for this site"
        ja "このサイトの証明書ではありません"
    RefusedUnknownReason {}
        en "The certificate that was shown was not issued by an authority that this site trusts."
        ja "送られた証明書は、このサイトが信頼する認証局の発行したものではありません。"
    RefusedUnknownNext {}
        en "Press “Try again” and choose the certificate that the administrator of this site gave you."
        ja "「もう一度試す」を押して、このサイトの管理者から受け取った証明書を選んでください。"
    RefusedNotForClients {}
        en "This certificate is for another use"
        ja "この証明書は用途が異なります"
    RefusedNotForClientsReason {}
        en "The certificate that was shown was not made for people or programs that visit a site."
        ja "送られた証明書は、サイトを利用する人のために発行されたものではありません。"
    RefusedNotForClientsNext {}
        en "Press “Try again” and choose your own certificate. If you have no other, ask the administrator for one."
        ja "「もう一度試す」を押して、ご自分の証明書を選んでください。ほかにない場合は、管理者に依頼してください。"
    RefusedNotInLedger {}
        en "This certificate is not on record"
        ja "台帳にない証明書です"
    RefusedNotInLedgerReason {}
        en "The certificate that was shown is not in the list of certificates issued for this site."
        ja "送られた証明書は、このサイトの発行台帳に載っていません。"
    RefusedNotInLedgerNext {}
        en "Press “Try again” and choose another certificate, or tell the administrator, who should look into this."
        ja "「もう一度試す」を押して別の証明書を選ぶか、管理者に連絡してください。管理者による確認が必要です。"
    RefusedForNow {}
        en "Certificates cannot be checked just now"
        ja "ただいま証明書を確認できません"
    RefusedForNowReason {}
        en "This is no fault of your certificate: the site cannot learn at the moment whether certificates are still in force, and lets nobody new in until it can."
        ja "お使いの証明書の問題ではありません。証明書が破棄されていないかをサイト側で確認できないため、新しい接続をお断りしています。"
    RefusedForNowNext {}
        en "Please wait a minute and press “Try again”. If it goes on, tell the administrator."
        ja "1分ほど待ってから「もう一度試す」を押してください。続く場合は、管理者に連絡してください。"

    // ---- gate: the way to the upstream ----
    PageRequestTimeout {}
        en "What you sent stopped before its end. Check the network and try again."
        ja "最後まで届かなかったため、受け付けを完了できませんでした。ネットワークを確認して、もう一度お試しください。"
    PageUpstreamBroken {}
        en "Your certificate was accepted; it is the application that gave no answer. What you sent may have taken effect: check before you send it again. If it goes on, tell the administrator."
        ja "証明書の確認は済んでいます。アプリケーションが応答の途中で通信を終了しました。送信した内容は処理されている場合があります。送り直す前に、結果を確認してください。続く場合は、管理者に連絡してください。"
    PageUpstreamSlow {}
        en "Your certificate was accepted; it is the application that has not answered in time. What you sent may have taken effect: check before you send it again. If it goes on, tell the administrator."
        ja "証明書の確認は済んでいます。アプリケーションから時間内に応答がありませんでした。送信した内容は処理されている場合があります。送り直す前に、結果を確認してください。続く場合は、管理者に連絡してください。"

    // ---- door ----
    /// A gate's answer to a revocation.
    CutAtGate { gate, count, milliseconds }
        en "  gate {gate}: connections cut: {count}, in {milliseconds} ms"
        ja "  関所 {gate}: {count} 件の接続を {milliseconds} ms で切断しました"
    /// A gate that trusts files.
    GateByFiles { gate }
        en "gate {gate} goes by the revocation lists in its own files: the certificate is let in there until they say otherwise"
        ja "関所 {gate} は独自の CRL ファイルに従うため、そのファイルが更新されるまで、破棄した証明書でも通れます"
    /// A gate that did not answer.
    GateSilent { gate }
        en "gate {gate} did not answer within a second; it may still have connections of the revoked certificate"
        ja "関所 {gate} が1秒以内に応答しませんでした。破棄した証明書の接続が残っている可能性があります"
    /// The gates know, the CRL does not yet.
    CrlFollows { why }
        en "the CRL follows as soon as it can be signed ({why})"
        ja "CRL (破棄リスト) は署名できるようになりしだい更新されます ({why})"

    // ---- a running service ----
    /// Column: which gate.
    ColumnGate {}
        en "GATE"
        ja "関所"
    /// Column: where from.
    ColumnPeer {}
        en "FROM"
        ja "接続元"
    /// Column: what is spoken.
    ColumnProtocol {}
        en "PROTOCOL"
        ja "プロトコル"
    /// Column: since when.
    ColumnSince {}
        en "SINCE"
        ja "接続開始"
    /// A gate that did not list its connections.
    GateNoAnswer { gate }
        en "gate {gate} did not answer within a second"
        ja "関所 {gate} が1秒以内に応答しませんでした"
    /// No live connection.
    NobodyConnected {}
        en "Nobody is connected."
        ja "接続中の人はいません。"
    /// The vault of the service was opened.
    Unsealed {}
        en "The vault is open."
        ja "金庫を開きました。"
    /// The vault of the service was closed.
    Sealed {}
        en "The vault is sealed. The gates go on; issuing and CRLs wait for `sekisho unseal`."
        ja "金庫を閉じました。関所は動き続けます。証明書の発行と CRL の更新は sekisho unseal まで止まります。"
    /// The clock was confirmed.
    ClockConfirmed { now }
        en "The clock is taken to be right: {now}"
        ja "現在の時刻を正しいものとして扱います: {now}"
    /// Label: the vault.
    LabelVault {}
        en "Vault"
        ja "金庫"
    /// The vault is open.
    WordOpen {}
        en "open"
        ja "開いています"
    /// The vault is sealed.
    WordSealed {}
        en "sealed"
        ja "閉じています"
    /// Label: since when it runs.
    LabelRunningSince {}
        en "Running since"
        ja "起動日時"
    /// Label: the version.
    LabelVersion {}
        en "Version"
        ja "バージョン"
    /// Label: the CRL.
    LabelCrl {}
        en "CRL"
        ja "CRL"
    /// The newest CRL.
    CrlLine { number, until }
        en "number {number}, good until {until}"
        ja "番号 {number}、有効期限 {until}"
    /// Label: the CA's end.
    LabelAuthorityUntil {}
        en "CA valid until"
        ja "認証局の有効期限"
    /// Live connections of a gate.
    CountConnections { count }
        en "connections: {count}"
        ja "接続 {count} 件"
    /// The application answers.
    UpstreamUp {}
        en "application up"
        ja "アプリ稼働中"
    /// The application does not answer.
    UpstreamIsDown {}
        en "application down"
        ja "アプリ停止中"
    /// A gate that says nothing.
    WordSilent {}
        en "silent"
        ja "応答なし"
    /// What ends soon.
    EndingHeading {}
        en "Certificates that end soon:"
        ja "まもなく期限が切れる証明書:"
    /// Nothing to do.
    AllIsWell {}
        en "All is well."
        ja "問題はありません。"
    /// The vault is sealed.
    RemarkSealed {}
        en "The vault is sealed: nothing is issued and no CRL is signed. Run `sekisho unseal`."
        ja "金庫が閉じています。証明書の発行と CRL の更新ができません。sekisho unseal を実行してください。"
    /// The clock was set.
    RemarkClockSet { seconds }
        en "The clock was set by {seconds} s while the service ran: nothing is signed. Check it, then run `sekisho clock confirm`."
        ja "稼働中に時刻が {seconds} 秒変更されたため、署名を止めています。時刻を確かめてから sekisho clock confirm を実行してください。"
    RemarkWriteFailed { reason }
        en "The last write failed: {reason}. Until the cause is removed, issuing and revoking may fail. Then run `sekisho crl`; this message goes away as soon as a write succeeds."
        ja "最後の書き込みに失敗しました: {reason}。原因を取り除くまで、発行や破棄ができないことがあります。取り除いたら sekisho crl を実行してください。書き込みが成功すると、この表示は消えます。"
    /// The clock is behind.
    RemarkClockBehind { seconds }
        en "The clock is {seconds} s behind the newest entry of the ledger: nothing is signed. Check it, then run `sekisho clock confirm`."
        ja "時刻が台帳の最新の記録より {seconds} 秒遅れているため、署名を止めています。時刻を確かめてから sekisho clock confirm を実行してください。"
    /// No CRL yet.
    RemarkNoCrl {}
        en "No CRL has been signed yet."
        ja "CRL がまだ発行されていません。"
    /// The CRL is over.
    RemarkCrlExpired { since }
        en "The CRL expired on {since}: whoever relies on it refuses everybody."
        ja "CRL の有効期限が {since} に切れています。CRL を参照する相手はすべての接続を拒否します。"
    /// Not everything revoked is on the CRL.
    RemarkCrlIncomplete {}
        en "Something was revoked that the CRL does not show yet; the gates of this service know of it."
        ja "CRL にまだ載っていない破棄があります。このサービスの関所にはすでに反映されています。"
    /// The CA ends within a year.
    RemarkAuthorityEnds { until }
        en "The CA's own certificate ends on {until}: plan the next one."
        ja "認証局自身の証明書の有効期限が {until} に切れます。次の認証局を準備してください。"
    /// The application is down.
    RemarkUpstreamDown { gate }
        en "Gate {gate} cannot reach its application: see whether that runs, and where `upstream` points."
        ja "関所 {gate} からアプリケーションに接続できません。アプリケーションが動いているか、upstream の設定が正しいかを確かめてください。"
    /// A gate has not heard the newest.
    RemarkGateBehind { gate }
        en "Gate {gate} has not taken the newest events yet."
        ja "関所 {gate} に最新の変更がまだ反映されていません。"
    /// A gate without a certificate.
    RemarkGateWithoutCertificate { gate }
        en "Gate {gate} has no server certificate yet and lets nobody in: the vault is sealed (`sekisho unseal`), or the log says why."
        ja "関所 {gate} のサーバ証明書がまだないため、誰も接続できません。金庫が閉じていれば sekisho unseal を実行し、そうでなければログで原因を確かめてください。"
    /// A gate whose certificate is over.
    RemarkGateCertificateOver { gate }
        en "The server certificate of gate {gate} has expired."
        ja "関所 {gate} のサーバ証明書の有効期限が切れています。"
    /// A gate that says nothing.
    RemarkGateSilent { gate }
        en "Gate {gate} does not answer: restart the service."
        ja "関所 {gate} が応答していません。サービスを再起動してください。"
    /// Certificates that end soon.
    RemarkEnding { count }
        en "{count} certificates end within 60 days: renew them with `sekisho renew NUMBER`."
        ja "{count} 件の証明書が 60 日以内に期限切れになります。sekisho renew 番号 で更新してください。"
    // ---- the service manager ----
    /// What `systemctl status` shows.
    ServiceStatus { gates }
        en "Serving. Gates: {gates}"
        ja "稼働中です。関所: {gates}"

    // ---- backup ----
    AskNewBackupPassphrase { least }
        en "New passphrase for this backup (at least {least} characters; not the vault's): "
        ja "このバックアップ専用の新しいパスフレーズ ({least}文字以上。金庫とは別のもの): "
    AskBackupPassphrase {}
        en "Passphrase of the backup: "
        ja "バックアップのパスフレーズ: "
    LabelBackedUp {}
        en "backed up"
        ja "バックアップ日時"
    LabelCertificates {}
        en "certificates"
        ja "証明書の数"
    LabelLedgerEntries {}
        en "ledger entries"
        ja "台帳の記録の数"
    LabelKeptKeys {}
        en "kept keys"
        ja "保管中の秘密鍵"
    LabelNextNumber {}
        en "next number"
        ja "次の番号"
    LabelLastBackup {}
        en "last backup"
        ja "最終バックアップ"
    LabelAnchor {}
        en "anchor"
        ja "アンカー"
    NoBackupYet {}
        en "none yet (sekisho backup --to FILE)"
        ja "まだありません (sekisho backup --to ファイル)"
    AnchorFoundOn { time, sequence }
        en "entry {sequence} found on {time}"
        ja "{time} に記録 {sequence} を確認"
    NoAnchorKept {}
        en "none checked: a rollback of the data folder could not be noticed (sekisho anchor export)"
        ja "未確認のため、データフォルダの巻き戻しに気づけません (sekisho anchor export)"
    BackupMade {}
        en "The backup is made. Keep it on another machine, and its passphrase apart from it."
        ja "バックアップを作成しました。別の機器に保管し、パスフレーズは別の場所に控えてください。"
    BackupNotRecorded { reason }
        en "The backup is whole, but `sekisho status` will not show it, because it could not be recorded: {reason}."
        ja "バックアップは完成しましたが、記録できなかったため、sekisho status の「最終バックアップ」には反映されません ({reason})。"
    BackupWithoutKeyFile {}
        en "Only a key file opens this vault, and it is not in the backup: keep a copy of it apart, or set a passphrase with `sekisho vault passwd`. Without either, the backup cannot be used."
        ja "この金庫は鍵ファイルだけで開きますが、鍵ファイルはバックアップに含まれません。鍵ファイルのコピーを別に保管するか、sekisho vault passwd でパスフレーズを設定してください。どちらもないとバックアップは使えません。"
    BackupNext { program, file }
        en "The configuration file is not in it either. Try the backup out from time to time: {program} backup verify {file}"
        ja "設定ファイルは含まれないため、別に保管してください。ときどき復元できることを確かめてください: {program} backup verify {file}"
    BackupIsGood {}
        en "The backup is good: it was restored in memory, and works."
        ja "バックアップは正常です。メモリ上に復元し、動作を確かめました。"
    BackupDrilled { number, entries }
        en "Certificate {number} was issued, checked and revoked, and a CRL with {entries} entries was signed; all of that is forgotten again."
        ja "証明書 {number} の発行・検証・破棄と、{entries} 件の CRL の署名を試しました。試した結果は残りません。"
    Restored {}
        en "The CA is restored."
        ja "認証局を復元しました。"
    RestoredUnknown {}
        en "Certificates issued after the backup are unknown: the gates refuse them, so issue them again. Numbers jump, so that none is given twice."
        ja "バックアップ後に発行した証明書の記録はありません。関所が拒否するので、発行し直してください。番号は重複しないように飛ばしてあります。"
    RestoredNeedsKeyFile { folder }
        en "Only a key file opens this vault, and it was not in the backup: put it at {folder}/vault.key, or name it with --key-file."
        ja "この金庫は鍵ファイルだけで開きますが、鍵ファイルはバックアップに含まれていません。{folder}/vault.key に置くか、--key-file で指定してください。"
    RestoredWaits {}
        en "What was revoked after the backup is not known yet: until then nothing is signed and nobody is let in."
        ja "バックアップ後に破棄された証明書をまだ把握していません。把握するまで、署名も接続の許可もしません。"
    ReconcileNext { program, folder }
        en "Next: find the newest CRL that was published, then run\n  {program} restore reconcile --crl FILE --dir {folder}"
        ja "次の手順: 公開済みの最新の CRL を用意して、次を実行してください。\n  {program} restore reconcile --crl ファイル --dir {folder}"
    ReconciledWithCrl { number, revoked, unknown }
        en "CRL {number} is merged: {revoked} certificates are revoked by it, and {unknown} serial numbers that the backup does not know stay revoked."
        ja "CRL {number} を取り込みました。{revoked} 件の証明書を破棄し、バックアップにない {unknown} 件のシリアル番号も破棄のまま引き継ぎました。"
    ReconciledWithout {}
        en "No CRL was merged: certificates that were revoked after the backup are valid again. Revoke them once more: look at mails, notes and the log."
        ja "CRL を取り込んでいません。バックアップ後に破棄した証明書が再び有効になっています。メールや控え、ログを確かめて、もう一度破棄してください。"
    RestoredNext { program, folder }
        en "Next: {program} crl --dir {folder} signs a new CRL; `serve` does so by itself."
        ja "次の手順: {program} crl --dir {folder} で新しい CRL を発行してください (serve は自動で発行します)。"
    StoryWaiting { restored, backed_up }
        en "Restored on {restored} from a backup of {backed_up}; not reconciled: nothing is signed and nobody is let in."
        ja "{backed_up} のバックアップから {restored} に復元しました。照合が済んでいないため、署名も接続の許可も止めています。"
    StoryMerged { restored, backed_up, number }
        en "Restored on {restored} from a backup of {backed_up}, with CRL {number}; certificates issued in between are unknown and refused."
        ja "{backed_up} のバックアップから {restored} に復元し、CRL {number} を取り込みました。その間に発行した証明書は記録になく、拒否されます。"
    StoryGivenUp { restored, backed_up }
        en "Restored on {restored} from a backup of {backed_up}, without a CRL: revocations in between are lost, and certificates issued in between are unknown and refused."
        ja "{backed_up} のバックアップから {restored} に、CRL なしで復元しました。その間の破棄は失われ、その間に発行した証明書は拒否されます。"
    RemarkNotReconciled {}
        en "Restored from a backup and not reconciled: nobody is let in. Run `sekisho restore reconcile --crl FILE` with the newest published CRL."
        ja "バックアップから復元した後の照合が済んでいないため、誰も接続できません。公開済みの最新の CRL で sekisho restore reconcile --crl ファイル を実行してください。"

    // ---- anchor ----
    AnchorWritten { path }
        en "The anchor is written to {path}."
        ja "アンカーを {path} に書き出しました。"
    AnchorKeep {}
        en "Keep it on paper or on another machine, never beside the data. Later, `sekisho anchor check` tells whether the ledger was rolled back."
        ja "紙か別の機器に保管し、データと同じ場所には置かないでください。後で sekisho anchor check を実行すると、台帳が巻き戻されていないか確かめられます。"
    AnchorContained { sequence, time, entries }
        en "The ledger was not rolled back: it has grown from entry {sequence} of {time} to {entries} entries."
        ja "台帳は巻き戻されていません。{time} の記録 {sequence} を含み、現在は {entries} 件です。"

    // ---- config check --profile ----
    ProfileHeading {}
        en "Held against the high-security type of the TLS guideline:"
        ja "TLS 暗号設定ガイドライン「高セキュリティ型」との照合:"
    ProfileMet {}
        en "Everything required is met."
        ja "すべての要求を満たしています。"
    WordMet {}
        en "met"
        ja "適合"
    WordNotMet {}
        en "not met"
        ja "不適合"
    WordNotApplicable {}
        en "not applicable"
        ja "対象外"
    ProfileSources {}
        en "Sources:"
        ja "根拠:"
    SourceIpa {}
        en "TLS暗号設定ガイドライン (TLS cipher configuration guideline) 3.0.1, IPA and NICT, CRYPTREC GL-3001, July 2020: requirements of the high-security type"
        ja "TLS暗号設定ガイドライン 第3.0.1版 (IPA・NICT、CRYPTREC GL-3001、2020年7月)「高セキュリティ型」の要求設定"
    SourceMhlw {}
        en "医療情報システムの安全管理に関するガイドライン (guideline on the safe management of medical information systems) 6.0, MHLW, May 2023: volume on operation, chapter 13 on networks"
        ja "医療情報システムの安全管理に関するガイドライン 第6.0版 (厚生労働省、令和5年5月) システム運用編「13. ネットワークに関する安全管理措置」"
    SourceBcp195 {}
        en "Recommendations for Secure Use of TLS, RFC 9325 (BCP 195), November 2022"
        ja "Recommendations for Secure Use of TLS、RFC 9325 (BCP 195)、2022年11月"
    SourceSekisho {}
        en "a rule of Sekisho itself, without which the others would be met in name only"
        ja "Sekisho 独自の規則 (ほかの要求を実質的に満たすために必要なもの)"
    RequireTls13 {}
        en "TLS 1.3 is offered"
        ja "TLS 1.3 を使える"
    RequireTls12 {}
        en "TLS 1.2 is refused, but for programs that cannot do better"
        ja "TLS 1.2 を受け付けない (TLS 1.3 に対応できないプログラムがある場合を除く)"
    RequireNoOldVersions {}
        en "TLS 1.1, TLS 1.0 and all of SSL are refused"
        ja "TLS 1.1 以前と SSL を受け付けない"
    RequireForwardSecrecy {}
        en "every key exchange is an ephemeral ECDH of 256 bits or more (forward secrecy)"
        ja "鍵交換は 256 ビット以上の ECDHE に限る (前方秘匿性)"
    RequireAead {}
        en "every cipher is AES-GCM or ChaCha20-Poly1305 (AEAD)"
        ja "暗号は AES-GCM と ChaCha20-Poly1305 に限る (認証付き暗号)"
    RequireServerKey {}
        en "the server's key is RSA of 2048 bits or more, or ECDSA of 256 bits or more"
        ja "サーバ証明書の鍵は RSA 2048 ビット以上または ECDSA 256 ビット以上"
    RequireServerSignature {}
        en "the server's certificate is signed with SHA-256 or a longer hash"
        ja "サーバ証明書の署名は SHA-256 以上"
    RequireServerDays {}
        en "the server's certificate is in force, for 825 days at most"
        ja "サーバ証明書は有効期間内で、期間は 825 日以内"
    RequireClientCertificate {}
        en "every visitor must show a client certificate"
        ja "すべての利用者にクライアント証明書を求める"
    RequireClientAlgorithms {}
        en "client certificates with weak keys or SHA-1 are refused"
        ja "弱い鍵や SHA-1 のクライアント証明書を受け付けない"
    RequireAuthorityKey {}
        en "the CA's key is RSA of 2048 bits or more, or ECDSA of 256 bits or more"
        ja "認証局の鍵は RSA 2048 ビット以上または ECDSA 256 ビット以上"
    RequireRevocation {}
        en "revoked certificates are refused, of every CA that is trusted"
        ja "信頼するすべての認証局について、破棄した証明書を拒否する"
    RequireFreshCrl {}
        en "the CRLs are in force, and count 7 days longer at most"
        ja "CRL は有効期間内で、期限後の猶予は 7 日以内"
    RequireNoStaleService {}
        en "nobody new is let in while the authority is silent"
        ja "認証局が応答しない間は、新しい接続を受け付けない"
    RequireUpstreamEncrypted {}
        en "nothing goes to another machine in clear text"
        ja "ほかの機器へ平文で送らない"
    RequireMetricsHere {}
        en "metrics are for this machine only"
        ja "メトリクスはこの機器の中だけで見られる"
    RequireNoRenegotiation {}
        en "no renegotiation and no TLS compression"
        ja "再ネゴシエーションと TLS 圧縮を使わない"
    RequireNoEarlyData {}
        en "no 0-RTT data, which could be replayed"
        ja "0-RTT を使わない (再送攻撃を防ぐため)"
    ChangeTls12 { gate }
        en "{gate} accepts TLS 1.2: take out `tls12 = true` (or --tls12). If a program cannot speak TLS 1.3, write down which, and until when."
        ja "{gate} は TLS 1.2 を受け付けます。tls12 = true (または --tls12) を外してください。TLS 1.3 に対応できないプログラムがある場合は、その名前と期限を記録してください。"
    ChangeBuild { gate }
        en "{gate} offers something that this table does not know: this program was built with another TLS library. Use the released one."
        ja "{gate} の TLS に、この表にない方式が含まれています。このプログラムは通常と異なる TLS ライブラリで作られています。配布版をお使いください。"
    ChangeServerKey { path }
        en "{path}: make a new key and certificate, such as with `sekisho issue server HOST --pem` (p256)."
        ja "{path}: 鍵と証明書を作り直してください (例: sekisho issue server ホスト名 --pem)。"
    ChangeServerSignature { path }
        en "{path}: have it signed anew, with SHA-256 or longer (ECDSA or RSA)."
        ja "{path}: SHA-256 以上 (ECDSA または RSA) で署名した証明書に取り替えてください。"
    ChangeServerDays { path, days }
        en "{path}: it is not in force now, or lasts longer than {days} days: issue a new one."
        ja "{path}: 今は有効期間外か、期間が {days} 日を超えています。新しい証明書を発行してください。"
    ChangeAuthorityKey { path }
        en "{path}: a CA in it has another kind of key. Make a new CA (`sekisho init --key p256`), and issue new certificates."
        ja "{path}: 別の種類の鍵を持つ認証局が含まれています。新しい認証局を作成し (sekisho init --key p256)、証明書を発行し直してください。"
    ChangeRevocation { gate }
        en "{gate}: name a CRL of each of its CAs with `crl = [...]` (or --crl), or let it trust the authority's ledger by leaving out `authorities`."
        ja "{gate}: すべての認証局の CRL を crl = [...] (または --crl) で指定するか、authorities を外して、この認証局の台帳に従わせてください。"
    ChangeCrl { path }
        en "{path}: there is no CRL in force: `sekisho crl` signs one, and so does a running service whose vault is open."
        ja "{path}: 有効な CRL がありません。sekisho crl で発行してください。金庫が開いているサービスは自動で更新します。"
    ChangeGraceDays { gate, days }
        en "{gate}: set crl_grace_days (or --crl-grace-days) to {days} or less."
        ja "{gate}: crl_grace_days (または --crl-grace-days) を {days} 以下にしてください。"
    ChangeStale { gate }
        en "{gate}: replace stale = \"serve\" by \"refuse\" or \"cut\"."
        ja "{gate}: stale = \"serve\" を \"refuse\" または \"cut\" に変えてください。"
    ChangeUpstream { gate, url }
        en "{gate}: {url} is another machine. Use https:// (tls:// in tcp mode), or run the application on this one."
        ja "{gate}: {url} は別の機器です。https:// (tcp モードでは tls://) にするか、アプリケーションをこの機器で動かしてください。"
    ChangeMetrics {}
        en "[publish] metrics: use an address of this machine or a Unix socket."
        ja "[publish] metrics: この機器の中のアドレスか Unix ソケットにしてください。"
    ChangeUnreadable { path }
        en "{path}: it cannot be read here, and so cannot be judged. Run this as root or as the service's user."
        ja "{path}: 読めないため判定できません。root またはサービスのユーザーで実行してください。"

    // ---- shares of the vault ----
    SlotShares { threshold, shares }
        en "shares (any {threshold} of {shares})"
        ja "分割コード ({shares} 個のうち {threshold} 個)"
    AskFirstShare {}
        en "A share: "
        ja "分割コードを 1 つ入力してください: "
    AskShare { place, needed }
        en "Share {place} of the {needed} needed: "
        ja "分割コード ({needed} 個のうち {place} 個目): "
    ShareTaken { number }
        en "Share {number} is right."
        ja "分割コード {number} を受け付けました。"
    ShareHeading { number, shares, threshold, vault }
        en "Share {number} of {shares}, vault {vault}. Any {threshold} of them open the vault."
        ja "分割コード {number} / {shares} (金庫 {vault})。{shares} 個のうち {threshold} 個で金庫が開きます。"
    ShareCopy {}
        en "Write it down with its first line, or photograph the code; it is shown once. Then press Enter, and it is gone from the screen: "
        ja "1 行目と一緒に書き写すか、QR コードを撮影してください。表示は一度だけです。済んだら Enter を押すと、画面から消えます: "
    SharesMade { threshold, shares }
        en "{shares} shares were made; any {threshold} of them open the vault (--shares). Older shares, if there were any, open nothing any more."
        ja "分割コードを {shares} 個作成しました。そのうち {threshold} 個で金庫が開きます (--shares)。以前に作成した分割コードがある場合、それらは使えなくなりました。"
    SharesMadeNotShown {}
        en "Not every share was shown. Make them again: the ones shown so far open nothing then."
        ja "すべての分割コードを表示できませんでした。もう一度作成してください (表示済みのものは使えなくなります)。"
    SharesAdvice {}
        en "Give each to another person, on paper. Nobody should keep as many as are needed."
        ja "1 つずつ別の人に紙で渡してください。必要な数を 1 人で持たないようにしてください。"
    SharesRemoved {}
        en "The shares open the vault no more."
        ja "分割コードでは金庫を開けなくなりました。"
    SharesKeepDataKey {}
        en "Whoever has enough of the old shares and an old copy of the vault can still open what is sealed later. `sekisho vault passwd` makes a new data key and ends that."
        ja "以前の分割コードと古い金庫のコピーの両方を持つ人は、今後保管される鍵も開けます。それを防ぐには sekisho vault passwd で新しいデータ鍵にしてください。"
    // ---- hardening ----
    LabelConfinement {}
        en "Confinement"
        ja "プロセスの隔離"
    AllLayersInForce {}
        en "all layers in force"
        ja "すべての防御層が有効"
    LayersLeftOut { layers }
        en "without {layers} (sekisho status --hardening)"
        ja "次の防御層なし: {layers} (詳細は sekisho status --hardening)"
    LabelLandlockAbi {}
        en "Landlock ABI of the kernel"
        ja "カーネルの Landlock ABI"
    RoleSupervisor {}
        en "supervisor"
        ja "監督"
    RoleAuthority {}
        en "authority"
        ja "認証局"
    RoleGate {}
        en "gate"
        ja "関所"
    RolePublisher {}
        en "publisher"
        ja "公開"
    LayerInForce {}
        en "in force"
        ja "有効"
    LayerNotUsed {}
        en "not used by this process"
        ja "このプロセスでは使いません"
    LayerNotInKernel {}
        en "not in this kernel"
        ja "このカーネルにはありません"
    LayerDenied { reason }
        en "not in force: {reason}"
        ja "無効: {reason}"
    LayerRoot {}
        en "left out, as configured: the process runs as root"
        ja "設定により省略 (root で動いています)"
    LayerSharedUser { uid }
        en "left out, as configured: user {uid} runs other processes of the service, too"
        ja "設定により省略 (サービスの他のプロセスと同じユーザー {uid} で動いています)"
    LayerLeftOut {}
        en "left out, as configured"
        ja "設定により省略"
}
