//! The probe's answers, by the browser's own reader of JSON: the one for Rust would be a tenth of
//! the program.

use js_sys::{Array, JSON, Reflect};
use shared::gpu::{
    GpuReading, GpuReport, Mig, MigInstance, ProbeProblem, ProblemCode, REPORT_SCHEMA,
};
use wasm_bindgen::{JsCast, JsValue};

/// The report of `GET /v1/gpus`.
///
/// # Errors
/// [`ProblemCode::ReportUnreadable`] where it is no report, or one of a later form.
pub(super) fn report(json: &str) -> Result<GpuReport, ProbeProblem> {
    let value = JSON::parse(json).unwrap_or(JsValue::NULL);
    match number(&value, "schema") {
        Some(schema) if schema == u64::from(REPORT_SCHEMA) => {
            read(&value).ok_or_else(|| ProbeProblem::new(ProblemCode::ReportUnreadable))
        }
        Some(schema) => Err(ProbeProblem::with_detail(
            ProblemCode::ReportUnreadable,
            format!("schema {schema}"),
        )),
        None => Err(ProbeProblem::new(ProblemCode::ReportUnreadable)),
    }
}

/// The problem that the probe answers instead; `None` where it is none that is known.
pub(super) fn problem(json: &str) -> Option<ProbeProblem> {
    let value = JSON::parse(json).ok()?;
    Some(ProbeProblem {
        code: ProblemCode::from_name(&text(&value, "code")?),
        detail: text(&value, "detail"),
    })
}

fn read(value: &JsValue) -> Option<GpuReport> {
    Some(GpuReport {
        schema: REPORT_SCHEMA,
        probe: text(value, "probe")?,
        driver: text(value, "driver"),
        cuda: text(value, "cuda"),
        gpus: list(value, "gpus")?
            .iter()
            .map(|value| reading(&value))
            .collect::<Option<_>>()?,
        // What could not be read is no device.
        problems: Vec::new(),
    })
}

fn reading(value: &JsValue) -> Option<GpuReading> {
    let mig = list(&field(value, "mig"), "instances").map(|instances| {
        let instances = instances
            .iter()
            .filter_map(|value| instance(&value))
            .collect();
        Mig { instances }
    });
    let capability = list(value, "compute_capability").and_then(|pair| {
        let part = |place| u32::try_from(whole(&pair.get(place))?).ok();
        Some((part(0)?, part(1)?))
    });
    Some(GpuReading {
        index: u32::try_from(number(value, "index")?).ok()?,
        name: text(value, "name")?,
        total: number(value, "total"),
        free: number(value, "free")?,
        used: number(value, "used"),
        reserved: number(value, "reserved"),
        unified: field(value, "unified").is_truthy(),
        mig,
        compute_capability: capability,
    })
}

fn instance(value: &JsValue) -> Option<MigInstance> {
    Some(MigInstance {
        index: u32::try_from(number(value, "index")?).ok()?,
        name: text(value, "name")?,
        total: number(value, "total")?,
        free: number(value, "free")?,
        used: number(value, "used")?,
        reserved: number(value, "reserved"),
    })
}

fn field(value: &JsValue, name: &str) -> JsValue {
    // Refused only where there is no object.
    Reflect::get(value, &JsValue::from_str(name)).unwrap_or(JsValue::NULL)
}

fn text(value: &JsValue, name: &str) -> Option<String> {
    field(value, name).as_string()
}

fn list(value: &JsValue, name: &str) -> Option<Array> {
    field(value, name).dyn_into().ok()
}

fn number(value: &JsValue, name: &str) -> Option<u64> {
    whole(&field(value, name))
}

/// Bytes stay far below 2^53, up to which these numbers are exact.
#[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)]
fn whole(value: &JsValue) -> Option<u64> {
    let number = value.as_f64()?;
    (0.0..=9_007_199_254_740_992.0)
        .contains(&number)
        .then_some(number as u64)
}
