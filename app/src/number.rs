//! Numbers as people read and write them.

use shared::text::{Language, UserMessage};

const MIB: u64 = 1 << 20;
const GIB: u64 = 1 << 30;

/// Digits in groups of three, as both languages write them: `102,656`.
#[must_use]
pub fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let mut text = String::with_capacity(digits.len() + digits.len() / 3);
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// Three digits of a large number in the language's own scale: `103K`, `10.3万`.
#[must_use]
pub fn short(number: u64, language: Language) -> String {
    let scales: &[(u64, &str)] = match language {
        Language::Ja => &[(100_000_000, "億"), (10_000, "万")],
        Language::En => &[(1_000_000_000, "B"), (1_000_000, "M"), (1_000, "K")],
    };
    // Rounding must not reach the next scale: 999,950 is 1M and not 1000K.
    for &(scale, name) in scales {
        if number.saturating_add(scale / 2_000) >= scale {
            return format!("{}{name}", three_digits(number, scale));
        }
    }
    grouped(number)
}

/// `number / scale` with three significant digits, trailing zeros of the fraction left out.
fn three_digits(number: u64, scale: u64) -> String {
    let number = u128::from(number);
    let scale = u128::from(scale);
    let places = match number / scale {
        0..=9 => 2,
        10..=99 => 1,
        _ => 0,
    };
    let power = 10_u128.pow(places);
    let rounded = (number * power + scale / 2) / scale;
    fixed(rounded, power)
}

/// `scaled / power` in decimals, trailing zeros left out.
fn fixed(scaled: u128, power: u128) -> String {
    let whole = grouped(u64::try_from(scaled / power).unwrap_or(u64::MAX));
    let fraction = scaled % power;
    if fraction == 0 {
        return whole;
    }
    let width = power.ilog10() as usize;
    let fraction = format!("{fraction:0width$}");
    format!("{whole}.{}", fraction.trim_end_matches('0'))
}

/// Memory in the unit that suits its size, with at most two decimals: `22.5 GiB`, `480 MiB`.
#[must_use]
pub fn memory(bytes: u64) -> String {
    if bytes >= GIB {
        format!("{} GiB", decimals(bytes, GIB, 2))
    } else if bytes >= 10 * MIB || bytes == 0 {
        format!("{} MiB", decimals(bytes, MIB, 0))
    } else {
        format!("{} MiB", decimals(bytes, MIB, 2))
    }
}

/// Memory in MiB with two decimals at most, as `nvidia-smi` and the command line count it.
#[must_use]
pub fn mebibytes(bytes: u64) -> String {
    format!("{} MiB", decimals(bytes, MIB, 2))
}

/// Bytes to the last one.
#[must_use]
pub fn exact_bytes(bytes: u64) -> String {
    format!("{} B", grouped(bytes))
}

fn decimals(bytes: u64, unit: u64, places: u32) -> String {
    let power = 10_u128.pow(places);
    let unit = u128::from(unit);
    fixed((u128::from(bytes) * power + unit / 2) / unit, power)
}

/// Why a text is not the amount that was asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum NumberError {
    /// Nothing was entered.
    Empty,
    /// Not a number, or a unit that is not known.
    NotANumber {
        /// The text.
        text: String,
        /// What would be read.
        example: &'static str,
    },
    /// Outside what can be.
    OutOfRange {
        /// The text.
        text: String,
        /// What would be read.
        expected: &'static str,
    },
}

impl UserMessage for NumberError {
    fn code(&self) -> &'static str {
        match self {
            Self::Empty => "empty",
            Self::NotANumber { .. } => "not_a_number",
            Self::OutOfRange { .. } => "out_of_range",
        }
    }

    fn message(&self, language: Language) -> String {
        match (self, language) {
            (Self::Empty, Language::Ja) => "値が入力されていません".into(),
            (Self::Empty, Language::En) => "nothing is entered".into(),
            (Self::NotANumber { text, .. }, Language::Ja) => {
                format!("「{text}」は数値として読めません")
            }
            (Self::NotANumber { text, .. }, Language::En) => {
                format!("“{text}” is not a number")
            }
            (Self::OutOfRange { text, .. }, Language::Ja) => {
                format!("「{text}」はあり得ない大きさです")
            }
            (Self::OutOfRange { text, .. }, Language::En) => {
                format!("“{text}” cannot be")
            }
        }
    }

    fn hint(&self, language: Language) -> String {
        match self {
            Self::Empty => language
                .pick("例: 22.5 GiB、24576", "for example 22.5 GiB or 24576")
                .into(),
            Self::NotANumber { example, .. } => match language {
                Language::Ja => format!("例: {example}"),
                Language::En => format!("for example {example}"),
            },
            Self::OutOfRange { expected, .. } => match language {
                Language::Ja => format!("使える範囲: {expected}"),
                Language::En => format!("between {expected}"),
            },
        }
    }
}

/// A decimal number without its unit, and the unit in lower case.
struct Amount {
    whole: u128,
    fraction: u128,
    fraction_power: u128,
    unit: String,
}

/// Full-width characters as their ASCII counterparts, group marks and spaces left out, letters
/// in lower case.
fn normalized(text: &str) -> String {
    text.trim()
        .chars()
        .filter_map(|character| {
            let character = match character {
                '\u{ff01}'..='\u{ff5e}' => {
                    char::from_u32(u32::from(character) - 0xfee0).unwrap_or(character)
                }
                '。' => '.',
                '、' => ',',
                other => other,
            };
            (!character.is_whitespace() && !matches!(character, ',' | '_' | '\''))
                .then_some(character.to_ascii_lowercase())
        })
        .collect()
}

fn amount(text: &str, example: &'static str) -> Result<Amount, NumberError> {
    let wrong = || NumberError::NotANumber {
        text: text.trim().into(),
        example,
    };
    let plain = normalized(text);
    if plain.is_empty() {
        return Err(NumberError::Empty);
    }
    let end = plain
        .find(|character: char| !character.is_ascii_digit() && character != '.')
        .unwrap_or(plain.len());
    let (number, unit) = plain.split_at(end);
    let (whole, fraction) = number.split_once('.').unwrap_or((number, ""));
    // Twenty digits are more than 2^64 has, and few enough for the products below.
    if whole.len() + fraction.len() == 0 || whole.len() > 20 || fraction.contains('.') {
        return Err(wrong());
    }
    let fraction = &fraction[..fraction.len().min(9)];
    let parse = |digits: &str| match digits {
        "" => Ok(0),
        digits => digits.parse::<u128>().map_err(|_| wrong()),
    };
    Ok(Amount {
        whole: parse(whole)?,
        fraction: parse(fraction)?,
        fraction_power: 10_u128.pow(u32::try_from(fraction.len()).unwrap_or(0)),
        unit: unit.into(),
    })
}

impl Amount {
    fn times(&self, unit: u64) -> Option<u64> {
        let unit = u128::from(unit);
        let whole = self.whole.checked_mul(unit)?;
        let fraction = self.fraction * unit / self.fraction_power;
        u64::try_from(whole.checked_add(fraction)?).ok()
    }
}

/// An example of an amount of memory, for messages.
const MEMORY_EXAMPLE: &str = "22.5 GiB, 24576 MiB";
/// Bare numbers up to this are GiB, larger ones MiB: no single GPU has more GiB, and none that
/// matters has fewer MiB.
const LARGEST_BARE_GIB: u128 = 512;
/// More than any machine has.
const MOST_MEMORY: u64 = 1 << 50;

/// Bytes of an amount of memory: `24GB`, `24576`, `22.5 GiB`, `２４ＧＢ`. Units count by 1024
/// whether they are written `GB` or `GiB`, as the makers of GPUs mean them.
///
/// # Errors
/// Where it is not a number with a unit of memory, or more than a PiB.
pub fn parse_memory(text: &str) -> Result<u64, NumberError> {
    let amount = amount(text, MEMORY_EXAMPLE)?;
    let unit = match amount.unit.as_str() {
        "" if amount.whole <= LARGEST_BARE_GIB => GIB,
        "" | "m" | "mb" | "mib" => MIB,
        "g" | "gb" | "gib" => GIB,
        "t" | "tb" | "tib" => 1 << 40,
        "k" | "kb" | "kib" => 1 << 10,
        "b" | "bytes" => 1,
        _ => {
            return Err(NumberError::NotANumber {
                text: text.trim().into(),
                example: MEMORY_EXAMPLE,
            });
        }
    };
    amount
        .times(unit)
        .filter(|&bytes| bytes <= MOST_MEMORY)
        .ok_or_else(|| NumberError::OutOfRange {
            text: text.trim().into(),
            expected: "0 – 1 PiB",
        })
}

/// An example of a number of tokens, for messages.
const COUNT_EXAMPLE: &str = "32768, 32k, 1M";

/// A count such as tokens or layers: `32768`, `32k` (32 × 1024), `1M`, `３２，７６８`.
///
/// # Errors
/// Where it is not a whole number.
pub fn parse_count(text: &str) -> Result<u64, NumberError> {
    let amount = amount(text, COUNT_EXAMPLE)?;
    let wrong = || NumberError::NotANumber {
        text: text.trim().into(),
        example: COUNT_EXAMPLE,
    };
    let unit = match amount.unit.as_str() {
        "" if amount.fraction == 0 => 1,
        "k" => 1 << 10,
        "m" => 1 << 20,
        _ => return Err(wrong()),
    };
    amount.times(unit).ok_or_else(wrong)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn memory_is_read_as_people_write_it() {
        for (text, bytes) in [
            ("24GB", 24 * GIB),
            ("24 GiB", 24 * GIB),
            ("24", 24 * GIB),
            ("24576", 24 * GIB),
            ("24,576", 24 * GIB),
            ("24_576 MiB", 24 * GIB),
            ("22.5 GiB", 22 * GIB + GIB / 2),
            ("２２．５ＧＢ", 22 * GIB + GIB / 2),
            (" ２４，５７６ ", 24 * GIB),
            ("19101.03", 19_101 * MIB + 31_457),
            ("0", 0),
            ("0.5g", GIB / 2),
            (".5t", 512 * GIB),
            ("1024 b", 1024),
        ] {
            assert_eq!(parse_memory(text), Ok(bytes), "{text}");
        }
    }

    #[test]
    fn nonsense_is_named() {
        assert_eq!(parse_memory("  "), Err(NumberError::Empty));
        for text in [
            "abc",
            "-5",
            "24 GX",
            "1.2.3 GB",
            ".",
            "GB",
            "１２３４５６７８９０１２３４５６７８９０１",
            "4e3",
        ] {
            assert!(
                matches!(parse_memory(text), Err(NumberError::NotANumber { .. })),
                "{text}"
            );
        }
        for text in [
            "99999999 GB",
            "18446744073709551615",
            "18446744073709551615 t",
        ] {
            assert!(
                matches!(parse_memory(text), Err(NumberError::OutOfRange { .. })),
                "{text}"
            );
        }
    }

    #[test]
    fn counts_are_read_as_people_write_them() {
        for (text, count) in [
            ("32k", 32_768),
            ("32K", 32_768),
            ("1M", 1_048_576),
            ("1.5k", 1_536),
            ("131,072", 131_072),
            ("３２ｋ", 32_768),
            ("0", 0),
        ] {
            assert_eq!(parse_count(text), Ok(count), "{text}");
        }
        for text in ["", "1.5", "32 GB", "many", "-1"] {
            assert!(parse_count(text).is_err(), "{text}");
        }
    }

    #[test]
    fn numbers_are_grouped_and_shortened() {
        assert_eq!(grouped(0), "0");
        assert_eq!(grouped(999), "999");
        assert_eq!(grouped(1_000), "1,000");
        assert_eq!(grouped(102_656), "102,656");
        assert_eq!(short(102_656, Language::En), "103K");
        assert_eq!(short(102_656, Language::Ja), "10.3万");
        assert_eq!(short(999_960, Language::En), "1M");
        assert_eq!(short(1_048_576, Language::En), "1.05M");
        assert_eq!(short(9_984, Language::Ja), "9,984");
        assert_eq!(short(9_999, Language::Ja), "1万");
        assert_eq!(short(512, Language::En), "512");
    }

    #[test]
    fn memory_has_its_unit_and_two_decimals_at_most() {
        assert_eq!(memory(22 * GIB + GIB / 2), "22.5 GiB");
        assert_eq!(memory(GIB), "1 GiB");
        assert_eq!(memory(500 * MIB), "500 MiB");
        assert_eq!(memory(0), "0 MiB");
        assert_eq!(memory(MIB / 4), "0.25 MiB");
        assert_eq!(memory(24_576 * GIB), "24,576 GiB");
        assert_eq!(mebibytes(19_101 * MIB + 31_457), "19,101.03 MiB");
        assert_eq!(exact_bytes(5_027_784_192), "5,027,784,192 B");
    }
}
