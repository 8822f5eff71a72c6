//! What is said to visitors, in pages.

macro_rules! pages {
    ([$next:ident $($rest:ident)*] $($before:tt)*) => { $next! { [$($rest)*] $($before)*

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
        en "Your certificate was accepted; it is the application that cannot be reached. What you sent was not processed. Please wait a moment and reload; if this continues, tell the administrator."
        ja "証明書の確認は済んでいます。アプリケーションに接続できないため、送信した内容は処理されていません。しばらく待ってから再読み込みしてください。続く場合は、管理者に連絡してください。"
    TitleUpstreamBroken {}
        en "The application's answer broke off"
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
        en "Please wait a minute and press “Try again”. If this continues, tell the administrator."
        ja "1分ほど待ってから「もう一度試す」を押してください。続く場合は、管理者に連絡してください。"

    // ---- gate: the way to the upstream ----
    PageRequestTimeout {}
        en "What you sent stopped before its end. Check the network and try again."
        ja "最後まで届かなかったため、受け付けを完了できませんでした。ネットワークを確認して、もう一度お試しください。"
    PageUpstreamBroken {}
        en "Your certificate was accepted; it is the application that gave no answer. What you sent may have taken effect: check before you send it again. If this continues, tell the administrator."
        ja "証明書の確認は済んでいます。アプリケーションが応答の途中で通信を終了しました。送信した内容は処理されている場合があります。送り直す前に、結果を確認してください。続く場合は、管理者に連絡してください。"
    PageUpstreamSlow {}
        en "Your certificate was accepted; it is the application that has not answered in time. What you sent may have taken effect: check before you send it again. If this continues, tell the administrator."
        ja "証明書の確認は済んでいます。アプリケーションから時間内に応答がありませんでした。送信した内容は処理されている場合があります。送り直す前に、結果を確認してください。続く場合は、管理者に連絡してください。"
    } };
}
