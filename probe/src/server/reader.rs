//! Readings for many askers, from one source on one thread of its own.
//!
//! A reading serves everybody who asks within [`FRESH_FOR`]. The first to ask after that waits
//! for a new one; the others meanwhile get the old one, while it is not older than
//! [`BRIDGES_FOR`]. Nobody asking, nothing is read and no timer runs; after [`HELD_FOR`] the
//! driver is let go, so that the GPU may sleep.

use std::io;
use std::sync::mpsc::{self, RecvTimeoutError};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use axum::body::Bytes;
use shared::gpu::{ProbeProblem, ProblemCode};
use tokio::sync::oneshot;

use crate::GpuSource;

/// How long a reading is as good as a new one.
const FRESH_FOR: Duration = Duration::from_millis(200);

/// How long a reading stands in for the one that is being taken.
const BRIDGES_FOR: Duration = Duration::from_millis(400);

/// How long after the last question the driver is held open.
const HELD_FOR: Duration = Duration::from_secs(30);

/// A stack for NVML's calls; they are shallow.
const STACK: usize = 512 * 1024;

/// What the source said at one moment, as it is sent.
pub(super) struct Reading {
    taken: Instant,
    /// Whether `json` is a report; else it is a problem document.
    pub(super) is_report: bool,
    pub(super) json: Bytes,
}

impl Reading {
    fn take(source: &mut impl GpuSource) -> Self {
        match source.read() {
            Ok(report) => Self::of(true, report.to_json()),
            Err(problem) => Self::of(false, problem.to_json()),
        }
    }

    fn of(is_report: bool, json: String) -> Self {
        Self {
            taken: Instant::now(),
            is_report,
            json: json.into(),
        }
    }

    fn is_within(&self, age: Duration) -> bool {
        self.taken.elapsed() < age
    }
}

type Question = oneshot::Sender<Arc<Reading>>;

#[derive(Default)]
struct Latest(Mutex<State>);

#[derive(Default)]
struct State {
    reading: Option<Arc<Reading>>,
    /// Whether somebody has asked for the next one.
    is_asked: bool,
}

impl Latest {
    /// A reading for who need not wait; `None` for who has to ask for a new one.
    fn get(&self) -> Option<Arc<Reading>> {
        let mut state = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let age = if state.is_asked {
            BRIDGES_FOR
        } else {
            FRESH_FOR
        };
        let reading = state
            .reading
            .clone()
            .filter(|reading| reading.is_within(age));
        state.is_asked |= reading.is_none();
        reading
    }

    fn fresh(&self) -> Option<Arc<Reading>> {
        let state = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let reading = state.reading.clone();
        reading.filter(|reading| reading.is_within(FRESH_FOR))
    }

    fn set(&self, reading: &Arc<Reading>) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = State {
            reading: Some(Arc::clone(reading)),
            is_asked: false,
        };
    }
}

/// The askers' end.
#[derive(Clone)]
pub(super) struct Reader {
    latest: Arc<Latest>,
    questions: mpsc::Sender<Question>,
}

impl Reader {
    /// Starts the thread, which ends when the last clone of this is gone.
    pub(super) fn start(source: impl GpuSource + 'static) -> io::Result<Self> {
        let latest = Arc::new(Latest::default());
        let (questions, asked) = mpsc::channel();
        let thread_latest = Arc::clone(&latest);
        thread::Builder::new()
            .name("gpu-reader".into())
            .stack_size(STACK)
            .spawn(move || answer_all(source, &asked, &thread_latest))?;
        Ok(Self { latest, questions })
    }

    /// A reading that is fresh.
    pub(super) async fn read(&self) -> Arc<Reading> {
        if let Some(reading) = self.latest.get() {
            return reading;
        }
        let (question, answer) = oneshot::channel();
        if self.questions.send(question).is_ok()
            && let Ok(reading) = answer.await
        {
            return reading;
        }
        let problem = ProbeProblem::with_detail(ProblemCode::Unknown, "the reader stopped".into());
        Arc::new(Reading::of(false, problem.to_json()))
    }
}

fn answer_all(mut source: impl GpuSource, asked: &mpsc::Receiver<Question>, latest: &Latest) {
    let mut is_held = false;
    loop {
        let question = if is_held {
            asked.recv_timeout(HELD_FOR)
        } else {
            asked.recv().map_err(RecvTimeoutError::from)
        };
        match question {
            Ok(question) => {
                let reading = latest.fresh().unwrap_or_else(|| {
                    let reading = Arc::new(Reading::take(&mut source));
                    latest.set(&reading);
                    is_held = true;
                    reading
                });
                // Whoever asked may have left meanwhile.
                let _ = question.send(reading);
            }
            Err(RecvTimeoutError::Timeout) => {
                source.release();
                is_held = false;
            }
            Err(RecvTimeoutError::Disconnected) => return,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use shared::gpu::GpuReport;
    use std::sync::atomic::{AtomicU32, Ordering};

    struct Counted {
        readings: Arc<AtomicU32>,
        takes: Duration,
    }

    impl GpuSource for Counted {
        fn read(&mut self) -> Result<GpuReport, ProbeProblem> {
            thread::sleep(self.takes);
            self.readings.fetch_add(1, Ordering::Relaxed);
            Err(ProbeProblem::new(ProblemCode::NoGpu))
        }
    }

    fn reader(takes: Duration) -> (Reader, Arc<AtomicU32>) {
        let readings = Arc::new(AtomicU32::new(0));
        let source = Counted {
            readings: Arc::clone(&readings),
            takes,
        };
        (Reader::start(source).unwrap(), readings)
    }

    #[tokio::test]
    async fn one_reading_serves_everybody_who_asks_at_once() {
        let (reader, readings) = reader(Duration::ZERO);
        assert_eq!(readings.load(Ordering::Relaxed), 0);
        for _ in 0..100 {
            assert!(!reader.read().await.is_report);
        }
        assert_eq!(readings.load(Ordering::Relaxed), 1);
        tokio::time::sleep(FRESH_FOR).await;
        reader.read().await;
        assert_eq!(readings.load(Ordering::Relaxed), 2);
    }

    #[tokio::test]
    async fn while_one_waits_for_the_next_reading_the_others_get_the_last() {
        let (reader, readings) = reader(Duration::from_millis(150));
        let last = reader.read().await;
        tokio::time::sleep(FRESH_FOR).await;
        let waiting = tokio::spawn({
            let reader = reader.clone();
            async move { reader.read().await }
        });
        tokio::task::yield_now().await;
        for _ in 0..10 {
            assert!(Arc::ptr_eq(&reader.read().await, &last));
        }
        let next = waiting.await.unwrap();
        assert!(!Arc::ptr_eq(&next, &last));
        assert!(Arc::ptr_eq(&reader.read().await, &next));
        assert_eq!(readings.load(Ordering::Relaxed), 2);
    }

    #[tokio::test]
    async fn an_old_reading_stands_in_for_nothing() {
        let (reader, _) = reader(Duration::from_millis(20));
        let old = reader.read().await;
        tokio::time::sleep(BRIDGES_FOR).await;
        let (one, other) = tokio::join!(reader.read(), reader.read());
        assert!(Arc::ptr_eq(&one, &other) && !Arc::ptr_eq(&one, &old));
    }
}
