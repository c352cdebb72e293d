//! Patterns of module names, as ignore lists and targets have them: names, names with `*`, and
//! regular expressions.

/// Longer names and patterns are taken not to match.
const LONGEST_NAME: usize = 127;
const LONGEST_PATTERN: usize = 1_024;
const DEEPEST: u32 = 16;

/// Whether the regular expression matches from the start of `text`, as Python's `re.match`:
/// characters, `.`, classes, groups, alternatives, `* + ?`, `^ $`, look-ahead. Anything else
/// matches nothing.
pub(super) fn matches_start(pattern: &str, text: &str) -> bool {
    if text.len() > LONGEST_NAME || pattern.len() > LONGEST_PATTERN {
        return false;
    }
    let matcher = Matcher {
        pattern: pattern.as_bytes(),
        text: text.as_bytes(),
    };
    let mut at = 0;
    let end = matcher.alternatives(&mut at, 1, 0);
    end.is_some_and(|ends| ends != 0) && at == pattern.len()
}

/// Whether the name with `*` (any characters, dots too) and `?` is the whole of `text`.
pub(super) fn is_whole(pattern: &str, text: &str) -> bool {
    let (pattern, text) = (pattern.as_bytes(), text.as_bytes());
    let (mut at, mut seen) = (0, 0);
    let mut star: Option<(usize, usize)> = None;
    while seen < text.len() {
        match pattern.get(at) {
            Some(b'*') => {
                star = Some((at, seen));
                at += 1;
            }
            Some(&byte) if byte == b'?' || text.get(seen) == Some(&byte) => {
                at += 1;
                seen += 1;
            }
            _ => match star {
                Some((star_at, star_seen)) => {
                    at = star_at + 1;
                    seen = star_seen + 1;
                    star = Some((star_at, seen));
                }
                None => return false,
            },
        }
    }
    pattern.iter().skip(at).all(|&byte| byte == b'*')
}

/// Goes through a pattern with the set of all places in the text that have been reached, a bit
/// each. `None` where the pattern is none that is known.
struct Matcher<'a> {
    pattern: &'a [u8],
    text: &'a [u8],
}

impl Matcher<'_> {
    fn peek(&self, at: usize) -> Option<u8> {
        self.pattern.get(at).copied()
    }

    fn alternatives(&self, at: &mut usize, from: u128, depth: u32) -> Option<u128> {
        if depth > DEEPEST {
            return None;
        }
        let mut reached = 0;
        loop {
            reached |= self.sequence(at, from, depth)?;
            if self.peek(*at) != Some(b'|') {
                return Some(reached);
            }
            *at += 1;
        }
    }

    fn sequence(&self, at: &mut usize, from: u128, depth: u32) -> Option<u128> {
        let mut set = from;
        while !matches!(self.peek(*at), None | Some(b'|' | b')')) {
            let start = *at;
            let once = self.atom(at, set, depth)?;
            let (least_none, repeats) = match self.peek(*at) {
                Some(b'*') => (true, true),
                Some(b'+') => (false, true),
                Some(b'?') => (true, false),
                _ => {
                    set = once;
                    continue;
                }
            };
            *at += 1;
            let mut all = once;
            let mut new = once;
            while repeats && new != 0 {
                new = self.atom(&mut { start }, new, depth)? & !all;
                all |= new;
            }
            set = if least_none { set | all } else { all };
        }
        Some(set)
    }

    fn atom(&self, at: &mut usize, from: u128, depth: u32) -> Option<u128> {
        let byte = self.peek(*at)?;
        *at += 1;
        match byte {
            b'^' => Some(from & 1),
            b'$' => Some(from & (1 << self.text.len())),
            b'.' => Some(self.step(from, |_| true)),
            b'(' => self.group(at, from, depth),
            b'[' => self.class(at, from),
            b'\\' => {
                let escaped = self.peek(*at)?;
                *at += 1;
                match escaped {
                    b'd' => Some(self.step(from, |byte| byte.is_ascii_digit())),
                    b'w' => Some(self.step(from, is_word)),
                    b'b' => None,
                    other => Some(self.step(from, |byte| byte == other)),
                }
            }
            b'{' | b'*' | b'+' | b'?' | b']' | b'}' => None,
            literal => Some(self.step(from, |byte| byte == literal)),
        }
    }

    fn group(&self, at: &mut usize, from: u128, depth: u32) -> Option<u128> {
        let rest = self.pattern.get(*at..).unwrap_or_default();
        let look_ahead = match rest {
            [b'?', b':', ..] => {
                *at += 2;
                None
            }
            [b'?', b'=', ..] => Some(true),
            [b'?', b'!', ..] => Some(false),
            [b'?', ..] => return None,
            _ => None,
        };
        let reached = match look_ahead {
            None => self.alternatives(at, from, depth + 1)?,
            Some(wanted) => {
                *at += 2;
                let start = *at;
                let mut kept = 0;
                // Also with no place reached, to find the end of the group.
                self.alternatives(at, 0, depth + 1)?;
                for place in (0..=self.text.len()).filter(|place| from & (1 << place) != 0) {
                    let matched = self.alternatives(&mut { start }, 1 << place, depth + 1)? != 0;
                    if matched == wanted {
                        kept |= 1 << place;
                    }
                }
                kept
            }
        };
        if self.peek(*at) != Some(b')') {
            return None;
        }
        *at += 1;
        Some(reached)
    }

    fn class(&self, at: &mut usize, from: u128) -> Option<u128> {
        let negated = self.peek(*at) == Some(b'^');
        *at += usize::from(negated);
        let start = *at;
        let length = self
            .pattern
            .get(start..)?
            .iter()
            .skip(1)
            .position(|&byte| byte == b']')?
            + 1;
        let members = self.pattern.get(start..start + length)?;
        *at = start + length + 1;
        Some(self.step(from, |byte| is_member(members, byte) != negated))
    }

    /// The places one character after those reached, where it is `wanted`.
    fn step(&self, from: u128, wanted: impl Fn(u8) -> bool) -> u128 {
        let mut to = 0;
        for (place, &byte) in self.text.iter().enumerate() {
            if from & (1 << place) != 0 && wanted(byte) {
                to |= 1 << (place + 1);
            }
        }
        to
    }
}

fn is_word(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || byte == b'_'
}

fn is_member(members: &[u8], byte: u8) -> bool {
    let mut rest = members;
    loop {
        rest = match rest {
            [] => return false,
            [b'\\', b'd', ..] if byte.is_ascii_digit() => return true,
            [b'\\', b'w', ..] if is_word(byte) => return true,
            [b'\\', b'd' | b'w', rest @ ..] => rest,
            [b'\\', rest @ ..] => rest,
            [low, b'-', high, rest @ ..] => {
                if (*low..=*high).contains(&byte) {
                    return true;
                }
                rest
            }
            [one, rest @ ..] => {
                if *one == byte {
                    return true;
                }
                rest
            }
        };
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn regular_expressions_of_real_ignore_lists() {
        let dense = "model.layers.0.mlp.gate_proj";
        let expert = "model.layers.3.mlp.experts.0.gate_proj";
        let attention = "model.layers.3.self_attn.q_proj";
        for (pattern, matched) in [
            (r".*self_attn.*", [false, false, true]),
            (
                r".*mlp\.(gate|up|gate_up|down)_proj.*",
                [true, false, false],
            ),
            (
                r"model\.layers\.\d+\.mlp\.experts\.\d+",
                [false, true, false],
            ),
            (r".*experts.[0-9]+.gate_proj$", [false, true, false]),
            (r"^(?!.*experts).*$", [true, false, true]),
            (r".*(?:q|k|v)_proj", [false, false, true]),
            (r".*layers\.(1?[0-3])\..*", [true, true, true]),
            (r".*layers\.[^0]\..*", [false, true, true]),
            (r"model", [true, true, true]),
            (r"layers", [false, false, false]),
            (r".*\.mlp\.(experts\.\d+\.)?gate_proj", [true, true, false]),
        ] {
            for (text, wanted) in [dense, expert, attention].into_iter().zip(matched) {
                assert_eq!(matches_start(pattern, text), wanted, "{pattern} {text}");
            }
        }
    }

    #[test]
    fn what_is_no_pattern_matches_nothing() {
        for pattern in ["(", ")", "a{2}", "[a", "*", "a**", "(?<a>b)", "\\", "(?!a"] {
            assert!(!matches_start(pattern, "aab"), "{pattern}");
        }
        let deep = "(".repeat(500);
        assert!(!matches_start(&deep, "a"));
        assert!(!matches_start("a*", &"a".repeat(200)));
        // Would take a backtracking matcher for ever.
        assert!(!matches_start("(a*)*(a*)*(a*)*b", &"a".repeat(100)));
    }

    #[test]
    fn stars_cross_dots() {
        for (pattern, text, matched) in [
            ("model.layers.0*", "model.layers.0.mlp.gate_proj", true),
            ("model.layers.0*", "model.layers.10.mlp", false),
            (
                "*.mlp.shared_expert.*",
                "layers.0.mlp.shared_expert.up_proj",
                true,
            ),
            ("layers.*.self_attn", "layers.3.self_attn", true),
            ("layers.*.self_attn", "layers.3.self_attn.q_proj", false),
            ("lm_head", "lm_head", true),
            ("", "", true),
            ("*", "", true),
            ("a?c", "abc", true),
        ] {
            assert_eq!(is_whole(pattern, text), matched, "{pattern} {text}");
        }
    }
}
