//! Mebibytes as people type and read them; bytes inside.

const MIB: u128 = 1024 * 1024;
/// More decimals than any figure has, few enough for exact arithmetic.
const MAX_DECIMALS: usize = 18;

/// The bytes of a decimal number of MiB, exactly, rounded down to a whole byte; `None` for
/// anything else, and for more bytes than there can be.
pub(crate) fn parse(text: &str) -> Option<u64> {
    let (whole, decimals) = text.split_once('.').unwrap_or((text, ""));
    let digits = |part: &str| part.bytes().all(|byte| byte.is_ascii_digit());
    if whole.is_empty() || !digits(whole) || !digits(decimals) || decimals.len() > MAX_DECIMALS {
        return None;
    }
    let whole: u64 = whole.parse().ok()?;
    let scale = 10_u128.pow(u32::try_from(decimals.len()).ok()?);
    let fraction: u128 = if decimals.is_empty() {
        0
    } else {
        decimals.parse().ok()?
    };
    u64::try_from(u128::from(whole) * MIB + fraction * MIB / scale).ok()
}

/// Bytes in MiB with two decimals, to the nearest.
pub(crate) fn format(bytes: u64) -> String {
    let hundredths = (u128::from(bytes) * 100 + MIB / 2) / MIB;
    format!("{}.{:02}", hundredths / 100, hundredths % 100)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn decimals_become_bytes_exactly() {
        for (text, bytes) in [
            ("0", 0),
            ("1", 1_048_576),
            ("0.5", 524_288),
            ("24576", 25_769_803_776),
            // 19101.03 × 1048576 = 20028881633.28
            ("19101.03", 20_028_881_633),
            ("0.000001", 1),
            ("0.0000009", 0),
            ("7.", 7 * 1_048_576),
        ] {
            assert_eq!(parse(text), Some(bytes), "{text}");
        }
    }

    #[test]
    fn what_is_no_amount_of_memory_is_refused() {
        for text in [
            "",
            ".",
            ".5",
            "-1",
            "+1",
            "1e3",
            "1,000",
            "1 000",
            "inf",
            "NaN",
            "0x10",
            "24GB",
            "17592186044416",
            "99999999999999999999",
            "1.0000000000000000000",
        ] {
            assert_eq!(parse(text), None, "{text}");
        }
        assert_eq!(parse("17592186044415.9"), Some(18_446_744_073_709_446_758));
    }

    #[test]
    fn two_decimals_to_the_nearest() {
        assert_eq!(format(20_028_881_633), "19101.03");
        assert_eq!(format(0), "0.00");
        assert_eq!(format(5_242), "0.00");
        assert_eq!(format(5_243), "0.01");
        assert_eq!(format(u64::MAX), "17592186044416.00");
    }
}
