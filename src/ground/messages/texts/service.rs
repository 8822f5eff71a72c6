//! What is said of the running service, its status and its processes.

macro_rules! service {
    ([$next:ident $($rest:ident)*] $($before:tt)*) => { $next! { [$($rest)*] $($before)*

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
        en "gate"
        ja "関所"
    /// Column: where from.
    ColumnPeer {}
        en "from"
        ja "接続元"
    /// Column: what is spoken.
    ColumnProtocol {}
        en "protocol"
        ja "プロトコル"
    /// Column: since when.
    ColumnSince {}
        en "since"
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
        en "The vault is sealed. The gates keep working; issuing and CRLs wait for `sekisho unseal`."
        ja "金庫を閉じました。関所は動き続けます。証明書の発行と CRL の更新は sekisho unseal まで止まります。"
    /// The clock was confirmed.
    ClockConfirmed { now }
        en "The clock is accepted as right: {now}"
        ja "現在の時刻を正しいものとして扱います: {now}"
    /// Label: the vault.
    LabelVault {}
        en "vault"
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
        en "running since"
        ja "起動日時"
    /// Label: the version.
    LabelVersion {}
        en "version"
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
        en "Certificates that expire soon:"
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
        en "No CRL has been signed yet: run `sekisho unseal`, or `sekisho crl` if the vault is open."
        ja "CRL がまだ発行されていません。sekisho unseal を (金庫が開いている場合は sekisho crl を) 実行してください。"
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
        en "Gate {gate} cannot reach its application: check that it is running, and where `upstream` points."
        ja "関所 {gate} からアプリケーションに接続できません。アプリケーションが動いているか、upstream の設定が正しいかを確かめてください。"
    /// A gate has not heard the newest.
    RemarkGateBehind { gate }
        en "Gate {gate} has not received the latest changes yet. If this continues, restart the service."
        ja "関所 {gate} に最新の変更がまだ反映されていません。続く場合は、サービスを再起動してください。"
    /// A gate without a certificate.
    RemarkGateWithoutCertificate { gate }
        en "Gate {gate} has no server certificate yet and lets nobody in: the vault is sealed (`sekisho unseal`), or the log says why."
        ja "関所 {gate} のサーバ証明書がまだないため、誰も接続できません。金庫が閉じていれば sekisho unseal を実行し、そうでなければログで原因を確かめてください。"
    /// A gate whose certificate is over.
    RemarkGateCertificateOver { gate }
        en "The server certificate of gate {gate} has expired: replace the file of `certificate`, or see in the log why no new one was issued."
        ja "関所 {gate} のサーバ証明書の有効期限が切れています。certificate のファイルを取り替えるか、新しい証明書が発行されない理由をログで確かめてください。"
    /// A gate that says nothing.
    RemarkGateSilent { gate }
        en "Gate {gate} does not answer: restart the service."
        ja "関所 {gate} が応答していません。サービスを再起動してください。"
    /// Certificates that end soon.
    RemarkEnding { count }
        en "{count} certificates expire within 60 days: renew them with `sekisho renew NUMBER`."
        ja "{count} 件の証明書が 60 日以内に期限切れになります。sekisho renew 番号 で更新してください。"

    // ---- hardening ----
    LabelConfinement {}
        en "confinement"
        ja "プロセスの隔離"
    AllLayersInForce {}
        en "all layers in force"
        ja "すべての防御層が有効"
    LayersLeftOut { layers }
        en "without {layers} (sekisho status --hardening)"
        ja "次の防御層なし: {layers} (詳細は sekisho status --hardening)"
    LabelLandlockAbi {}
        en "kernel's Landlock ABI"
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

    // ---- the service manager ----
    /// What `systemctl status` shows.
    ServiceStatus { gates }
        en "Serving. Gates: {gates}"
        ja "稼働中です。関所: {gates}"
    } };
}
