//! What is said of a configuration that is held against a guideline.

macro_rules! guideline {
    ([$next:ident $($rest:ident)*] $($before:tt)*) => { $next! { [$($rest)*] $($before)*

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
    } };
}
