//! Numbers of weights as formulas over the fields of a configuration.
//!
//! A formula has whole numbers, one-letter names, `+ - * /` (rounding down) and parentheses. What a
//! name stands for is said by bindings, separated by spaces:
//! - `w=hidden_size:768`: a field, or this number where it is absent or null. Without a number the
//!   field must be there; `a|b` are several names of it, and a leading `^` means the outermost
//!   object's. Flags count as 0 and 1, of a list of numbers the first counts;
//! - `d=#layers:0`: the length of a list;
//! - `r=kind~word:0`: 1 where the text is that word;
//! - `G!4*w`: another formula.
//!
//! The first binding of a name counts. Everything is checked: what is negative or too large is no
//! number.

use alloc::string::String;

use serde_json::{Map, Value};

/// More than any encoder's extents.
const MOST: u64 = 1 << 24;

/// What names stand for.
pub(super) struct Names {
    values: [Option<u64>; 128],
}

impl Names {
    /// No names but `x`, the width of the stream that is fed.
    pub(super) fn new(width: u64) -> Self {
        let mut names = Self {
            values: [None; 128],
        };
        names.set(b'x', width);
        names
    }

    fn set(&mut self, name: u8, value: u64) {
        if let Some(place) = self.values.get_mut(usize::from(name)) {
            *place = Some(value);
        }
    }

    fn get(&self, name: u8) -> Option<u64> {
        self.values.get(usize::from(name)).copied().flatten()
    }

    /// Reads the bindings; `None` where a field has no value.
    pub(super) fn bind(
        &mut self,
        bindings: &str,
        config: &Map<String, Value>,
        root: &Map<String, Value>,
    ) -> Option<()> {
        for binding in bindings.split_ascii_whitespace() {
            let (&name, _) = binding.as_bytes().split_first()?;
            if self.get(name).is_some() {
                continue;
            }
            let rest = binding.get(1..)?;
            let value = if let Some(formula) = rest.strip_prefix('!') {
                self.value(formula)?
            } else {
                self.field(rest.strip_prefix('=')?, config, root)?
            };
            self.set(name, value);
        }
        Some(())
    }

    fn field(
        &self,
        spelled: &str,
        config: &Map<String, Value>,
        root: &Map<String, Value>,
    ) -> Option<u64> {
        let (names, default) = match spelled.split_once(':') {
            Some((names, default)) => (names, Some(default)),
            None => (spelled, None),
        };
        for name in names.split('|') {
            let (object, name) = match name.strip_prefix('^') {
                Some(name) => (root, name),
                None => (config, name),
            };
            let (name, counts) = match name.strip_prefix('#') {
                Some(name) => (name, true),
                None => (name, false),
            };
            let (name, word) = match name.split_once('~') {
                Some((name, word)) => (name, Some(word)),
                None => (name, None),
            };
            let value = match (object.get(name), word) {
                (None | Some(Value::Null), _) => continue,
                (Some(value), Some(word)) => u64::from(value.as_str() == Some(word)),
                (Some(Value::Array(list)), None) if counts => list.len() as u64,
                (Some(Value::Array(list)), None) => list.first()?.as_u64()?,
                (Some(Value::Bool(flag)), None) => u64::from(*flag),
                (Some(value), None) => value.as_u64()?,
            };
            return (value <= MOST).then_some(value);
        }
        self.value(default?)
    }

    /// What a formula gives.
    pub(super) fn value(&self, formula: &str) -> Option<u64> {
        let mut reader = Reader {
            names: self,
            rest: formula.as_bytes(),
        };
        let value = reader.sum()?;
        reader.rest.is_empty().then_some(value)
    }
}

struct Reader<'a> {
    names: &'a Names,
    rest: &'a [u8],
}

impl Reader<'_> {
    fn take(&mut self, byte: u8) -> bool {
        let Some(rest) = self.rest.strip_prefix(&[byte]) else {
            return false;
        };
        self.rest = rest;
        true
    }

    fn sum(&mut self) -> Option<u64> {
        let mut sum = self.product()?;
        loop {
            if self.take(b'+') {
                sum = sum.checked_add(self.product()?)?;
            } else if self.take(b'-') {
                sum = sum.checked_sub(self.product()?)?;
            } else {
                return Some(sum);
            }
        }
    }

    fn product(&mut self) -> Option<u64> {
        let mut product = self.factor()?;
        loop {
            if self.take(b'*') {
                product = product.checked_mul(self.factor()?)?;
            } else if self.take(b'/') {
                product = product.checked_div(self.factor()?)?;
            } else {
                return Some(product);
            }
        }
    }

    fn factor(&mut self) -> Option<u64> {
        if self.take(b'(') {
            let value = self.sum()?;
            return self.take(b')').then_some(value);
        }
        let digits = self
            .rest
            .iter()
            .take_while(|byte| byte.is_ascii_digit())
            .count();
        if digits > 0 {
            let (number, rest) = self.rest.split_at(digits);
            self.rest = rest;
            return core::str::from_utf8(number).ok()?.parse().ok();
        }
        let (&name, rest) = self.rest.split_first()?;
        self.rest = rest;
        self.names.get(name)
    }
}

#[cfg(test)]
mod tests {
    use super::super::super::json;
    use super::*;

    fn value(bindings: &str, formula: &str) -> Option<u64> {
        let root = json::parse_object(
            br#"{"a": 7, "vision": {"a": 3, "flag": true, "pair": [5, 6], "kind": "rms",
            "none": null, "wide": 99999999999}}"#,
        )
        .unwrap();
        let mut names = Names::new(10);
        names.bind(bindings, root["vision"].as_object().unwrap(), &root)?;
        names.value(formula)
    }

    #[test]
    fn formulas_are_read() {
        for (bindings, formula, expected) in [
            ("a=a", "a*x+2", Some(32)),
            ("a=^a b=b:4", "(a+b)*2-b/3", Some(21)),
            ("a=none|b:9 A!a*a a=a", "A+a", Some(90)),
            (
                "f=flag p=pair n=#pair k=kind~rms l=kind~layer",
                "f*100+p*10+n+k+l",
                Some(153),
            ),
            ("a=b", "a", None),
            ("a=wide", "a", None),
            ("", "5-6", None),
            ("", "1/0", None),
            ("", "q", None),
            ("", "(1", None),
            ("", "1)", None),
            ("", "99999999999*99999999999", None),
        ] {
            assert_eq!(value(bindings, formula), expected, "{bindings}; {formula}");
        }
    }
}
