//! What the program does.

use std::io::{self, ErrorKind};
use std::process::ExitCode;

use llm_lander_probe::doctor::{self, Finding};
use llm_lander_probe::server::{Server, is_probe_at};
use llm_lander_probe::{GpuSource, HOSTED_SITE, NvmlSource, VERSION, read_gpus};
use shared::text::Language;

use crate::arguments::Serving;
use crate::failure::Failure;
use crate::{browser, print, report};

/// The exit status where no GPU could be read.
const NO_READING: u8 = 3;

/// Prints one reading.
pub(crate) fn once(language: Language) -> ExitCode {
    match read_gpus() {
        Ok(gpus) => {
            print(&gpus.to_json());
            ExitCode::SUCCESS
        }
        Err(problem) => {
            print(&problem.to_json());
            report(&problem, NO_READING, language)
        }
    }
}

/// Prints what stands between this program and the GPU.
pub(crate) fn doctor(language: Language) -> ExitCode {
    let findings = doctor::examine(&mut NvmlSource::from_environment());
    for finding in &findings {
        print(&format!(
            "{} {}",
            finding.mark().sign(),
            finding.text(language)
        ));
        if let Some(cure) = finding.cure(language) {
            print(&format!("     → {cure}"));
        }
    }
    let is_seen = doctor::is_gpu_seen(&findings);
    print("");
    print(if is_seen {
        language.pick("GPU を読み取れます。", "The GPU can be read.")
    } else {
        language.pick(
            "GPU を読み取れません。[!!] の行を上から順に直してください。",
            "No GPU can be read. Cure the lines with [!!], from the top.",
        )
    });
    ExitCode::from(if is_seen { 0 } else { NO_READING })
}

/// Opens the hosted page with a reading in the address, which no server gets to see.
pub(crate) fn open_hosted(language: Language) -> ExitCode {
    match read_gpus() {
        Ok(gpus) => {
            show(&format!("{HOSTED_SITE}/#{}", gpus.to_fragment()), language);
            ExitCode::SUCCESS
        }
        Err(problem) => report(&problem, NO_READING, language),
    }
}

/// Opens the page that is in this program, and serves it unless another probe does.
pub(crate) fn open_local(serving: &Serving, language: Language) -> Result<ExitCode, Failure> {
    if !cfg!(feature = "page") {
        return Err(Failure::NoPage);
    }
    if serving.port != 0 && is_probe_at(serving.port) {
        show(&format!("http://127.0.0.1:{}/", serving.port), language);
        return Ok(ExitCode::SUCCESS);
    }
    serve(serving, Some(show), language)
}

/// Serves until the person or the system stops it. `then` gets the address of the page.
pub(crate) fn serve(
    serving: &Serving,
    then: Option<fn(&str, Language)>,
    language: Language,
) -> Result<ExitCode, Failure> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(Failure::System)?;
    runtime.block_on(async {
        let stop = stop_signal().map_err(Failure::System)?;
        let server = Server::bind(serving.port, &serving.origins)
            .await
            .map_err(|error| not_bound(serving.port, error))?;
        let address = format!("http://{}", server.address());
        // The first line is for programs too: they learn the port from it.
        print(&format!("llm-lander-probe {VERSION} {address}"));
        if let Some(then) = then {
            then(&format!("{address}/"), language);
        }
        let mut source = NvmlSource::from_environment();
        first_look(&mut source, language);
        server.run(source, stop).await.map_err(Failure::System)
    })?;
    Ok(ExitCode::SUCCESS)
}

/// Tells the person at once what will be served.
fn first_look(source: &mut NvmlSource, language: Language) {
    match source.read() {
        Ok(gpus) => {
            for gpu in gpus.gpus {
                print(&Finding::Gpu(gpu).text(language));
            }
        }
        Err(problem) => {
            report(&problem, NO_READING, language);
            eprintln!(
                "{}",
                language.pick(
                    "待ち受けは続けます。直れば自動で読み取ります",
                    "serving goes on, and will find the GPU once this is cured",
                )
            );
        }
    }
    source.release();
    print(language.pick("Ctrl-C で終了します", "Ctrl-C stops"));
}

fn show(address: &str, language: Language) {
    print(address);
    if let Err(error) = browser::open(address) {
        eprintln!(
            "{} ({error})",
            language.pick(
                "ブラウザーを起動できません。上のアドレスを開いてください",
                "no browser could be started, open the address above",
            )
        );
    }
}

fn not_bound(port: u16, error: io::Error) -> Failure {
    match error.kind() {
        ErrorKind::AddrInUse => Failure::PortTaken {
            port,
            by_probe: is_probe_at(port),
        },
        ErrorKind::PermissionDenied => Failure::PortForbidden { port },
        _ => Failure::System(error),
    }
}

/// Completes when the person or the system asks the program to stop.
#[cfg(unix)]
fn stop_signal() -> io::Result<impl Future<Output = ()> + Send + 'static> {
    use tokio::signal::unix::{SignalKind, signal};
    let mut interrupt = signal(SignalKind::interrupt())?;
    let mut terminate = signal(SignalKind::terminate())?;
    Ok(async move {
        tokio::select! {
            _ = interrupt.recv() => {}
            _ = terminate.recv() => {}
        }
    })
}

/// Completes when the person asks the program to stop.
#[cfg(not(unix))]
fn stop_signal() -> io::Result<impl Future<Output = ()> + Send + 'static> {
    Ok(async {
        let _ = tokio::signal::ctrl_c().await;
    })
}
