//! What a refused visitor is told, in Japanese and English, and as JSON for programs.

use std::sync::LazyLock;

use hyper::http::header::HeaderValue;

use super::pages::{STYLE, document, escaped, source_of};
use super::refusal::Reference;
use crate::admission::Refusal;
use crate::ground::clock::Timestamp;
use crate::ground::messages::Language::{self, English, Japanese};
use crate::ground::messages::Text;

/// The script of *try again*. Without it the button still loads the page again.
const SCRIPT: &str = include_str!("try_again.js");

/// What the page may do: nothing but its own style and script, and requests to where it came from.
pub(super) static POLICY: LazyLock<Option<HeaderValue>> = LazyLock::new(|| {
    let policy = format!(
        "default-src 'none'; style-src {}; script-src {}; connect-src 'self'; img-src data:; \
         base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
        source_of(STYLE),
        source_of(SCRIPT),
    );
    HeaderValue::try_from(policy).ok()
});

/// One refusal, as it is told.
pub(super) struct RefusalPage<'a> {
    pub(super) refusal: Refusal,
    pub(super) reference: Option<&'a Reference>,
    /// Whom to ask.
    pub(super) contact: Option<&'a str>,
    pub(super) time: Timestamp,
}

impl RefusalPage<'_> {
    pub(super) fn html(&self) -> String {
        let words = Words::of(self.refusal);
        let again = Text::RefusedTryAgain {};
        let body = format!(
            "{SIGN}\n{japanese}\
             <p class=\"action\"><a class=\"again\" href=\"\">{again_japanese}\
             <span lang=\"en\">{again_english}</span></a></p>\n\
             <script>{SCRIPT}</script>\n\
             <section lang=\"en\">\n{english}</section>\n<dl>\n{facts}</dl>\n",
            japanese = words.section(Japanese),
            english = words.section(English),
            again_japanese = again.render(Japanese),
            again_english = again.render(English),
            facts = self.facts(),
        );
        document("refused", &words.title, &body)
    }

    pub(super) fn json(&self) -> String {
        let words = Words::of(self.refusal);
        serde_json::json!({
            "refused": self.refusal.name(),
            "title": { "ja": words.title.render(Japanese), "en": words.title.render(English) },
            "reason": { "ja": words.reason(Japanese), "en": words.reason(English) },
            "next": { "ja": words.next.render(Japanese), "en": words.next.render(English) },
            "at": words.at.map(Timestamp::rfc3339),
            "contact": self.contact,
            "time": self.time.rfc3339(),
            "reference": self.reference.map(ToString::to_string),
        })
        .to_string()
    }

    fn facts(&self) -> String {
        let contact = self.contact.map(|contact| (Text::RefusedContact {}, escaped(contact)));
        let reference =
            self.reference.map(|reference| (Text::RefusedReference {}, reference.to_string()));
        let time = (Text::RefusedTime {}, self.time.local());
        let facts = contact.into_iter().chain([time]).chain(reference);
        facts
            .map(|(label, value)| {
                let (japanese, english) = (label.render(Japanese), label.render(English));
                format!(
                    "<dt>{japanese} / <span lang=\"en\">{english}</span></dt><dd>{value}</dd>\n"
                )
            })
            .collect()
    }
}

/// What is said of one refusal.
struct Words {
    title: Text,
    /// Takes the time below as text, which those without one ignore.
    reason: fn(String) -> Text,
    next: Text,
    /// When the certificate began or ceased to count.
    at: Option<Timestamp>,
}

impl Words {
    fn of(refusal: Refusal) -> Self {
        let (title, reason, next, at): (_, fn(String) -> Text, _, _) = match refusal {
            Refusal::NoCertificate => (
                Text::RefusedNoCertificate {},
                |_| Text::RefusedNoCertificateReason {},
                Text::RefusedNoCertificateNext {},
                None,
            ),
            Refusal::Expired { since } => (
                Text::RefusedExpired {},
                |date| Text::RefusedExpiredReason { date },
                Text::RefusedExpiredNext {},
                Some(since),
            ),
            Refusal::NotYetValid { from } => (
                Text::RefusedNotYetValid {},
                |date| Text::RefusedNotYetValidReason { date },
                Text::RefusedNotYetValidNext {},
                Some(from),
            ),
            Refusal::Revoked => (
                Text::RefusedRevoked {},
                |_| Text::RefusedRevokedReason {},
                Text::RefusedRevokedNext {},
                None,
            ),
            Refusal::NotForClients => (
                Text::RefusedNotForClients {},
                |_| Text::RefusedNotForClientsReason {},
                Text::RefusedNotForClientsNext {},
                None,
            ),
            Refusal::NotInLedger => (
                Text::RefusedNotInLedger {},
                |_| Text::RefusedNotInLedgerReason {},
                Text::RefusedNotInLedgerNext {},
                None,
            ),
            Refusal::StatusUnknown | Refusal::StatusStale { .. } => (
                Text::RefusedForNow {},
                |_| Text::RefusedForNowReason {},
                Text::RefusedForNowNext {},
                None,
            ),
            // What cannot be read ends in an alert; it would be a stranger's as well.
            Refusal::UnknownIssuer
            | Refusal::ChainTooLong { .. }
            | Refusal::Malformed
            | Refusal::KeyNotAccepted => (
                Text::RefusedUnknown {},
                |_| Text::RefusedUnknownReason {},
                Text::RefusedUnknownNext {},
                None,
            ),
        };
        Self { title, reason, next, at }
    }

    fn reason(&self, language: Language) -> String {
        let date = self.at.map(|at| spelled(at, language)).unwrap_or_default();
        (self.reason)(date).render(language)
    }

    fn section(&self, language: Language) -> String {
        let next = self.next.render(language);
        let next: String = next.lines().map(|line| format!("<p>{line}</p>\n")).collect();
        format!(
            "<h1>{}</h1>\n<p>{}</p>\n<h2>{}</h2>\n{next}",
            self.title.render(language),
            self.reason(language),
            Text::RefusedNext {}.render(language),
        )
    }
}

/// `2026年11月22日 9時05分`, `22 November 2026, 09:05`: in the zone of this machine.
fn spelled(time: Timestamp, language: Language) -> String {
    let (year, month, day, hour, minute, _) = time.local_parts();
    match language {
        Japanese => format!("{year}年{month}月{day}日 {hour}時{minute:02}分"),
        English => {
            let month =
                usize::try_from(month).ok().and_then(|month| MONTHS.get(month.checked_sub(1)?));
            let month = month.copied().unwrap_or_default();
            format!("{day} {month} {year}, {hour:02}:{minute:02}")
        }
    }
}

const MONTHS: [&str; 12] = [
    "January",
    "February",
    "March",
    "April",
    "May",
    "June",
    "July",
    "August",
    "September",
    "October",
    "November",
    "December",
];

/// A closed lock.
const SIGN: &str = "<svg viewBox=\"0 0 24 24\" fill=\"none\" stroke=\"currentColor\" \
stroke-width=\"1.75\" stroke-linecap=\"round\" stroke-linejoin=\"round\" aria-hidden=\"true\">\
<rect x=\"4.5\" y=\"10.5\" width=\"15\" height=\"10\" rx=\"2\"/>\
<path d=\"M8 10.5V7a4 4 0 0 1 8 0v3.5M12 14.5v2.5\"/></svg>";

#[cfg(test)]
mod tests {
    use super::*;

    fn page<'a>(refusal: Refusal, contact: Option<&'a str>) -> RefusalPage<'a> {
        RefusalPage { refusal, reference: None, contact, time: time() }
    }

    fn time() -> Timestamp {
        Timestamp::from_unix(1_800_000_000)
    }

    #[test]
    fn each_cause_has_words_of_its_own() {
        let causes = [
            Refusal::NoCertificate,
            Refusal::UnknownIssuer,
            Refusal::NotForClients,
            Refusal::NotYetValid { from: time() },
            Refusal::Expired { since: time() },
            Refusal::Revoked,
            Refusal::NotInLedger,
            Refusal::StatusUnknown,
        ];
        for language in [Japanese, English] {
            let sections: std::collections::BTreeSet<_> =
                causes.iter().map(|&cause| Words::of(cause).section(language)).collect();
            assert_eq!(sections.len(), causes.len());
        }
        let expired = Words::of(Refusal::Expired { since: time() });
        assert!(expired.reason(Japanese).contains("2027年1月15日"), "{}", expired.reason(Japanese));
        assert!(expired.reason(English).contains("15 January 2027"), "{}", expired.reason(English));
    }

    // Catches a contact that is put on the page as it was written.
    #[test]
    fn the_contact_is_shown_and_never_obeyed() {
        let html = page(Refusal::Revoked, Some("<script>alert(1)</script> \"内線 12\"")).html();
        assert!(
            html.contains("&lt;script&gt;alert(1)&lt;/script&gt; &quot;内線 12&quot;"),
            "{html}"
        );
        assert_eq!(html.matches("<script>").count(), 1);
    }

    #[test]
    fn the_policy_names_the_style_and_the_script_that_are_on_the_page() {
        let html = page(Refusal::NoCertificate, None).html();
        let policy = POLICY.clone().unwrap();
        for tag in ["style", "script"] {
            let (_, rest) = html.split_once(&format!("<{tag}>")).unwrap();
            let (inline, _) = rest.split_once(&format!("</{tag}>")).unwrap();
            assert!(policy.to_str().unwrap().contains(&source_of(inline)), "{tag}");
        }
    }
}
