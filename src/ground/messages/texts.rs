//! The sentences that are no refusals.

texts! {
    NextStep {}
        en "Next:"
        ja "次の手順:"

    // ---- gate: pages ----
    PageBadRequest {}
        en "The request was malformed and was not passed on."
        ja "リクエストの形が正しくないため、受け付けませんでした。"
    PageCrossSite {}
        en "This request came from another website and was stopped for your safety. Open this site directly and try again."
        ja "別のウェブサイトから送られた操作のため、安全のために止めました。このサイトを直接開いて、もう一度操作してください。"
    PageMethodNotAllowed {}
        en "This kind of request is not accepted here."
        ja "この種類のリクエストは受け付けていません。"
    PageForeignHost {}
        en "This server does not have the name in the address bar. Check the address."
        ja "アドレス欄の名前は、このサーバの証明書にありません。アドレスを確認してください。"
    PageUpstreamDown {}
        en "The application is not answering. Please wait a moment and reload; if it goes on, tell the administrator."
        ja "アプリケーションが応答していません。しばらく待ってから再読み込みしてください。続く場合は、管理者に連絡してください。"
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
}
