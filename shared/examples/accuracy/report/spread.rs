//! Errors as a distribution.

/// Errors in hundredths of a percent, sorted.
pub struct Spread(Vec<i64>);

impl Spread {
    /// The spread of these errors.
    pub fn new(errors: impl IntoIterator<Item = i64>) -> Self {
        let mut errors: Vec<i64> = errors.into_iter().collect();
        errors.sort_unstable();
        Self(errors)
    }

    /// How many there are.
    pub fn count(&self) -> usize {
        self.0.len()
    }

    /// How many are none at all.
    pub fn equal(&self) -> usize {
        self.0.iter().filter(|&&error| error == 0).count()
    }

    /// The error that this many thousandths do not exceed.
    pub fn at(&self, permille: usize) -> i64 {
        let last = self.0.len().saturating_sub(1);
        self.0.get(last * permille / 1000).copied().unwrap_or(0)
    }

    /// The share of errors no larger than this, either way, in tenths of a percent.
    pub fn within(&self, error: i64) -> usize {
        let within = self.0.iter().filter(|own| own.abs() <= error).count();
        within * 1000 / self.0.len().max(1)
    }
}

/// How far `ours` is off `real`, in hundredths of a percent, away from zero where it is at all.
pub fn error(ours: u64, real: u64) -> i64 {
    let (ours, real) = (i128::from(ours), i128::from(real));
    if ours == real {
        return 0;
    }
    if real == 0 {
        return 10_000;
    }
    let error = (ours - real) * 10_000 / real;
    let error = i64::try_from(error).unwrap_or(i64::MAX);
    if error == 0 {
        i64::from(ours > real) * 2 - 1
    } else {
        error
    }
}

/// Hundredths of a percent as people read them.
pub fn percent(error: i64) -> String {
    let (sign, error) = match error {
        0 => return "0".into(),
        1 => return "< +0.01 %".into(),
        -1 => return "> −0.01 %".into(),
        ..0 => ("−", error.unsigned_abs()),
        _ => ("+", error.unsigned_abs()),
    };
    match error {
        ..1_000 => format!("{sign}{}.{:02} %", error / 100, error % 100),
        1_000..100_000 => format!("{sign}{}.{} %", error / 100, error % 100 / 10),
        _ => format!("{sign}{} %", error / 100),
    }
}
