//! Readings for many askers, from one source on one thread of its own.
//!
//! A reading serves everybody who asks within [`FRESH_FOR`]. Nobody asking, nothing is read and
//! no timer runs; after [`HELD_FOR`] the driver is let go, so that the GPU may sleep.

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

    fn is_fresh(&self) -> bool {
        self.taken.elapsed() < FRESH_FOR
    }
}

type Question = oneshot::Sender<Arc<Reading>>;

#[derive(Default)]
struct Latest(Mutex<Option<Arc<Reading>>>);

impl Latest {
    fn get(&self) -> Option<Arc<Reading>> {
        let latest = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        latest.clone().filter(|reading| reading.is_fresh())
    }

    fn set(&self, reading: &Arc<Reading>) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Some(Arc::clone(reading));
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
                let reading = latest.get().unwrap_or_else(|| {
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

    struct Counted(Arc<AtomicU32>);

    impl GpuSource for Counted {
        fn read(&mut self) -> Result<GpuReport, ProbeProblem> {
            self.0.fetch_add(1, Ordering::Relaxed);
            Err(ProbeProblem::new(ProblemCode::NoGpu))
        }
    }

    #[tokio::test]
    async fn one_reading_serves_everybody_who_asks_at_once() {
        let readings = Arc::new(AtomicU32::new(0));
        let reader = Reader::start(Counted(Arc::clone(&readings))).unwrap();
        assert_eq!(readings.load(Ordering::Relaxed), 0);
        for _ in 0..100 {
            assert!(!reader.read().await.is_report);
        }
        assert_eq!(readings.load(Ordering::Relaxed), 1);
        tokio::time::sleep(FRESH_FOR).await;
        reader.read().await;
        assert_eq!(readings.load(Ordering::Relaxed), 2);
    }
}
