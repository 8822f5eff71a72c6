//! What is said of shares of the vault.

macro_rules! vault {
    ([$next:ident $($rest:ident)*] $($before:tt)*) => { $next! { [$($rest)*] $($before)*

    SlotShares { threshold, shares }
        en "shares (any {threshold} of {shares})"
        ja "分割コード ({shares} 個のうち {threshold} 個)"
    AskFirstShare {}
        en "First share: "
        ja "1 個目の分割コード: "
    AskShare { place, needed }
        en "Share {place} of the {needed} needed: "
        ja "分割コード ({needed} 個のうち {place} 個目): "
    ShareTaken { number }
        en "Share {number} accepted."
        ja "分割コード {number} を受け付けました。"
    ShareHeading { number, shares, threshold, vault }
        en "Share {number} of {shares}, vault {vault}. Any {threshold} of them open the vault."
        ja "分割コード {number} / {shares} (金庫 {vault})。{shares} 個のうち {threshold} 個で金庫が開きます。"
    ShareCopy {}
        en "Write it down with its first line, or photograph the QR code; it is shown only once. Then press Enter to clear it from the screen: "
        ja "1 行目と一緒に書き写すか、QR コードを撮影してください。表示は一度だけです。済んだら Enter を押すと、画面から消えます: "
    SharesMade { threshold, shares }
        en "{shares} shares were made; any {threshold} of them open the vault (--shares). Older shares, if there were any, no longer open it."
        ja "分割コードを {shares} 個作成しました。そのうち {threshold} 個で金庫が開きます (--shares)。以前に作成した分割コードがある場合、それらは使えなくなりました。"
    SharesAdvice {}
        en "Give each to a different person, on paper. Nobody should keep enough of them to open the vault alone."
        ja "1 つずつ別の人に紙で渡してください。1 人で金庫を開けられる数を持たないようにしてください。"
    SharesRemoved {}
        en "The shares no longer open the vault."
        ja "分割コードでは金庫を開けなくなりました。"
    SharesKeepDataKey {}
        en "Whoever has enough of the old shares and an old copy of the vault can still open what is sealed later. `sekisho vault passwd` makes a new data key and prevents that."
        ja "以前の分割コードと古い金庫のコピーの両方を持つ人は、今後保管される鍵も開けます。それを防ぐには sekisho vault passwd で新しいデータ鍵にしてください。"
    } };
}
