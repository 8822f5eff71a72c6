//! The sentences that are no refusals.

texts! {
    NextStep {}
        en "Next:"
        ja "次の手順:"
}
