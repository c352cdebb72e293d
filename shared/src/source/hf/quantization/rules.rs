//! Which module is packed how.

use alloc::borrow::ToOwned;
use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;

use super::modules::without_prefix;
use super::pattern::{is_whole, matches_start};
use crate::quant::Packing;

/// What checkpoints may put before `layers.`, for expressions that spell it.
const SPELLED_PREFIXES: [&str; 4] = [
    "",
    "model.",
    "model.language_model.",
    "language_model.model.",
];

/// Patterns of module names, sorted for many look-ups.
#[derive(Debug, Default)]
pub(super) struct Patterns<'a> {
    /// Names, or parts of names at their dots; sorted.
    names: Vec<&'a str>,
    /// Names with `*`.
    globs: Vec<&'a str>,
    /// Regular expressions.
    expressions: Vec<&'a str>,
    /// All linear layers.
    every: bool,
}

impl<'a> Patterns<'a> {
    /// Patterns as lists have them: `re:` before regular expressions, `Linear` for all.
    pub(super) fn new(list: impl Iterator<Item = &'a str>) -> Self {
        let mut patterns = Self::default();
        for entry in list {
            if let Some(expression) = entry.strip_prefix("re:") {
                patterns.expressions.push(expression);
            } else if entry == "Linear" {
                patterns.every = true;
            } else if entry.contains(['*', '?']) {
                patterns.globs.push(without_prefix(entry));
            } else {
                patterns.names.push(without_prefix(entry));
            }
        }
        patterns.names.sort_unstable();
        patterns
    }

    /// Whether a pattern takes the module of these names.
    pub(super) fn take(&self, names: &[String]) -> bool {
        self.every
            || names.iter().any(|name| {
                self.has_part_of(name)
                    || self.globs.iter().any(|glob| has_glob(glob, name))
                    || self
                        .expressions
                        .iter()
                        .any(|expression| spells(expression, name))
            })
    }

    /// Whether a name listed stands in `name` from dot to dot.
    fn has_part_of(&self, name: &str) -> bool {
        if self.names.is_empty() {
            return false;
        }
        let mut starts = core::iter::once(0).chain(dots(name).map(|dot| dot + 1));
        starts.any(|start| {
            let rest = name.get(start..).unwrap_or_default();
            dots(rest).chain([rest.len()]).any(|end| {
                let part = rest.get(..end).unwrap_or_default();
                self.names.binary_search(&part).is_ok()
            })
        })
    }
}

fn dots(name: &str) -> impl Iterator<Item = usize> {
    name.bytes()
        .enumerate()
        .filter(|&(_, byte)| byte == b'.')
        .map(|(place, _)| place)
}

/// Whether the name with `*` stands for the module, for what holds it, or for its end.
fn has_glob(glob: &str, name: &str) -> bool {
    let literal = glob.find(['*', '?']).unwrap_or(glob.len());
    let start = glob.get(..literal).unwrap_or_default();
    if start.starts_with("layers.") && !name.starts_with(start) {
        return false;
    }
    is_whole(glob, name)
        || is_whole(&format!("{glob}.*"), name)
        || (!start.starts_with("layers.")
            && (is_whole(&format!("*.{glob}"), name) || is_whole(&format!("*.{glob}.*"), name)))
}

/// Whether the expression matches the name with any of the usual prefixes.
pub(super) fn spells(expression: &str, name: &str) -> bool {
    SPELLED_PREFIXES.iter().any(|prefix| {
        let mut full = (*prefix).to_owned();
        full.push_str(name);
        matches_start(expression, &full)
    })
}

/// How a checkpoint packs its modules.
#[derive(Debug, Default)]
pub(super) struct Rules<'a> {
    /// Modules with a packing of their own (or none), by name; sorted.
    pub layers: Vec<(&'a str, Option<Packing>)>,
    /// Expressions for modules with a packing of their own, or none; the first that matches
    /// counts.
    pub expressions: Vec<(&'a str, Option<Packing>)>,
    /// Modules that stay as they are.
    pub ignored: Patterns<'a>,
    /// Groups of modules and their packings; the first that takes one counts.
    pub groups: Vec<(Patterns<'a>, Packing)>,
    /// The output matrix's, which nothing else but `layers` speaks of.
    pub head: Option<Packing>,
}

impl Rules<'_> {
    /// The packing of the module that has one of these names.
    pub(super) fn of(&self, names: &[String]) -> Option<Packing> {
        if let Some(packing) = names.iter().find_map(|name| self.own(name)) {
            return packing;
        }
        let expression = self
            .expressions
            .iter()
            .find(|(expression, _)| names.iter().any(|name| spells(expression, name)));
        if let Some((_, packing)) = expression {
            return *packing;
        }
        if self.ignored.take(names) {
            return None;
        }
        let group = self
            .groups
            .iter()
            .find(|(patterns, _)| patterns.take(names));
        group.map(|(_, packing)| *packing)
    }

    /// The packing of the output matrix.
    pub(super) fn head_packing(&self, names: &[String]) -> Option<Packing> {
        let own = names.iter().find_map(|name| self.own(name));
        own.unwrap_or(self.head)
    }

    /// The packing said of this module, or of what holds it.
    fn own(&self, name: &str) -> Option<Option<Packing>> {
        if self.layers.is_empty() {
            return None;
        }
        let mut ends = [name.len()].into_iter().chain(dots(name));
        ends.find_map(|end| {
            let part = name.get(..end)?;
            let place = self.layers.binary_search_by(|(own, _)| (*own).cmp(part));
            place
                .ok()
                .and_then(|place| self.layers.get(place))
                .map(|(_, packing)| *packing)
        })
    }
}
