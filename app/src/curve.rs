//! Memory against context: what the chart and its table show.

use shared::engine::Planner;

use crate::answer::{Answers, fullest_device};
use crate::question::Question;
use crate::state::Focus;

/// Steps of a line. Windows and paddings bend it, near its start for the most part.
const POINTS: u64 = 16;

/// The chart of one device: the one that is full first.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Chart {
    /// The device's place among the GPUs.
    pub place: usize,
    /// Bytes free on it.
    pub free: u64,
    /// The trained context.
    pub trained: Option<u64>,
    /// The context at the right edge.
    pub longest: u64,
    /// The memory at the upper edge.
    pub most: u64,
    /// Contexts are read in steps of this.
    pub step: u64,
    /// A line for each answer.
    pub lines: Vec<Line>,
}

/// One answer's memory over the context.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Line {
    /// Which answer.
    pub focus: Focus,
    /// Context and bytes, by rising context.
    pub points: Vec<(u64, u64)>,
    /// The longest context that fits.
    pub longest: u64,
}

/// The bytes that a context takes for one answer; `None` where the engine refuses.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Reading {
    /// Which answer.
    pub focus: Focus,
    /// Bytes.
    pub bytes: Option<u64>,
}

/// The bytes of a context on the device at `place`.
fn bytes(planner: &dyn Planner, question: &Question, place: usize, context: u64) -> Option<u64> {
    let plan = planner.plan(context).ok()?;
    let device = plan.devices.get(place)?;
    Some(question.budget.total(device))
}

impl Answers {
    /// The chart; `None` where no answer has a plan.
    #[must_use]
    pub fn chart(&self, focus: Focus) -> Option<Chart> {
        let question = &self.question;
        let fits = || {
            self.rows
                .iter()
                .filter_map(|row| Some((row.focus, row.fit.as_ref().ok()?)))
        };
        let looked_at = fits()
            .find(|(candidate, _)| *candidate == focus)
            .or_else(|| fits().next())?;
        let place = fullest_device(&looked_at.1.plan, question);
        let free = question.devices.get(place)?.free;
        let trained = question.chosen.model.trained_context_length;
        // Where nothing fits the chart still shows how far it is off.
        let longest = fits()
            .map(|(_, fit)| fit.max_context_length)
            .chain(trained)
            .chain([4096])
            .max()?;
        let longest = longest.saturating_add(longest / 20);
        let mut step = 1;
        let mut lines = Vec::new();
        for (focus, fit) in fits() {
            let planner = question.planner(focus).ok()?;
            step = step.max(planner.context_step());
            let mut contexts: Vec<u64> = (0..=POINTS)
                .map(|index| {
                    (longest / POINTS)
                        .saturating_mul(index)
                        .max(planner.context_step())
                })
                .collect();
            contexts.push(longest);
            contexts.dedup();
            lines.push(Line {
                focus,
                points: contexts
                    .into_iter()
                    .filter_map(|context| {
                        Some((context, bytes(planner.as_ref(), question, place, context)?))
                    })
                    .collect(),
                longest: fit.max_context_length,
            });
        }
        let least = lines
            .iter()
            .filter_map(|line| line.points.first())
            .map(|&(_, bytes)| bytes)
            .max()
            .unwrap_or(0);
        let most = free.max(least);
        Some(Chart {
            place,
            free,
            trained,
            longest,
            most: most.saturating_add(most / 6).max(1),
            step,
            lines,
        })
    }

    /// The bytes that this context takes for each answer, on the device at `place`.
    #[must_use]
    pub fn at_context(&self, context: u64, place: usize) -> Vec<Reading> {
        self.rows
            .iter()
            .map(|row| Reading {
                focus: row.focus,
                bytes: self
                    .question
                    .planner(row.focus)
                    .ok()
                    .and_then(|planner| bytes(planner.as_ref(), &self.question, place, context)),
            })
            .collect()
    }
}

impl Chart {
    /// Contexts for the table: powers of two and the trained context, from 4,096 to the first
    /// beyond the chart's longest answer.
    #[must_use]
    pub fn table_contexts(&self) -> Vec<u64> {
        let longest = self
            .lines
            .iter()
            .map(|line| line.longest)
            .max()
            .unwrap_or(0);
        let mut contexts: Vec<u64> = Vec::new();
        let mut context = 4096;
        loop {
            contexts.push(context);
            if context > longest || contexts.len() > 20 {
                break;
            }
            context *= 2;
        }
        if let Some(trained) = self.trained
            && let Err(at) = contexts.binary_search(&trained)
        {
            contexts.insert(at, trained);
        }
        contexts
    }

    /// The nearest context that the engine has, within the chart.
    #[must_use]
    pub fn nearest(&self, context: u64) -> u64 {
        let step = self.step.max(1);
        let steps = context.saturating_add(step / 2) / step;
        steps
            .clamp(1, (self.longest / step).max(1))
            .saturating_mul(step)
    }

    /// Where a context lies between the left and the right edge, in hundredths of a percent.
    #[must_use]
    pub fn across(&self, context: u64) -> u64 {
        crate::memory::share(context, self.longest)
    }

    /// Where memory lies between the lower and the upper edge, in hundredths of a percent; more
    /// than 10,000 above it.
    #[must_use]
    pub fn up(&self, bytes: u64) -> u64 {
        crate::memory::share(bytes, self.most)
    }
}

/// Round values from 0 up to `end` for the marks of an axis, in units of `unit`, five or fewer
/// beside 0.
#[must_use]
pub fn marks(end: u64, unit: u64) -> Vec<u64> {
    let target = (end / unit).div_ceil(5).max(1);
    let power = 10_u64.pow(target.ilog10());
    let step = [1, 2, 5, 10]
        .into_iter()
        .map(|factor| factor * power)
        .find(|&step| step >= target)
        .unwrap_or(power)
        .saturating_mul(unit);
    (0..=end / step).map(|index| index * step).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::question::tests::asked;
    use crate::state::State;

    fn opened() -> (Answers, Chart) {
        let state = State::default();
        let answers = asked(&state).unwrap().answers();
        let chart = answers.chart(state.focus).unwrap();
        (answers, chart)
    }

    #[test]
    fn lines_rise_and_cross_the_free_memory_at_their_answer() {
        let (answers, chart) = opened();
        assert_eq!(chart.lines.len(), 3);
        for line in &chart.lines {
            assert!(line.points.len() > 14);
            assert!(
                line.points
                    .windows(2)
                    .all(|pair| { pair[0].0 < pair[1].0 && pair[0].1 <= pair[1].1 })
            );
            let at = |context| {
                answers
                    .at_context(context, chart.place)
                    .into_iter()
                    .find(|reading| reading.focus == line.focus)
                    .unwrap()
                    .bytes
                    .unwrap()
            };
            assert!(at(line.longest) <= chart.free);
            assert!(at(line.longest + chart.step) > chart.free);
        }
    }

    #[test]
    fn the_edges_hold_every_answer() {
        let (_, chart) = opened();
        assert!(
            chart
                .lines
                .iter()
                .all(|line| chart.across(line.longest) < 10_000)
        );
        assert!(chart.up(chart.free) < 10_000);
        assert_eq!(chart.nearest(0), chart.step);
        assert_eq!(chart.nearest(u64::MAX / 2) % chart.step, 0);
        assert!(chart.nearest(u64::MAX / 2) <= chart.longest);
        assert_eq!(chart.nearest(1000), 1024);
    }

    #[test]
    fn the_table_reaches_beyond_the_answers() {
        let (_, chart) = opened();
        let contexts = chart.table_contexts();
        assert!(contexts.contains(&40_960));
        assert!(*contexts.last().unwrap() > chart.lines[2].longest);
        assert!(contexts.windows(2).all(|pair| pair[0] < pair[1]));
    }

    #[test]
    fn where_nothing_fits_the_chart_still_stands() {
        let mut state = State::default();
        state.gpus[0].free = "2 GiB".into();
        let chart = asked(&state).unwrap().answers().chart(state.focus).unwrap();
        assert!(
            chart
                .lines
                .iter()
                .all(|line| chart.up(line.points[0].1) < 10_000)
        );
    }

    #[test]
    fn marks_are_round_and_few() {
        const GIB: u64 = 1 << 30;
        assert_eq!(marks(26 * GIB, GIB), [0, 10 * GIB, 20 * GIB]);
        assert_eq!(
            marks(418_521, 1000),
            [0, 100_000, 200_000, 300_000, 400_000]
        );
        for end in [1, 7, 99, 1_000, 4_301, 65_536, 10_000_000] {
            let marks = marks(end * 1000, 1000);
            assert!((2..=6).contains(&marks.len()), "{end}: {marks:?}");
        }
    }
}
