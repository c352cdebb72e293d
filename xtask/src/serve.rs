//! The page with live readings, on this machine alone.

use crate::failure::Failure;
use crate::page::{self, Finish};
use crate::process::Task;
use crate::style;
use crate::workspace::Workspace;
use crate::{port, programs};

/// Builds what is needed and runs the probe until it is stopped.
pub(crate) fn serve(workspace: &Workspace, release: bool, port: u16) -> Result<(), Failure> {
    port::require_free(port)?;
    let finish = if release { Finish::Full } else { Finish::Quick };
    page::build(workspace, finish)?;
    // The probe has nothing to optimize that a reader of the page would notice.
    let probe = programs::probe(workspace, Finish::Quick)?;
    let place = format!("Open http://127.0.0.1:{port} (Ctrl+C stops)");
    println!("{}", style::bold(&place));
    Task::new(&probe)
        .args(["--port", &port.to_string()])
        .cure("its message above says what it could not do; `llm-lander-probe doctor` more")
        .take_over()
}
