//! Checked settings from the files people write.

#![forbid(unsafe_code)]

pub mod jma_receipt;
