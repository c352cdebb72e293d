//! The Python that loads a model with these settings and generates.

use alloc::format;
use alloc::string::String;

use super::element::FloatType;
use super::kernel::Kernel;
use super::settings::{Cache, Profile, Transformers};
use crate::quant::Packing;

/// One command: Python with the statements in one argument.
pub(super) fn python(settings: &Transformers, model: &str, context_length: u64) -> String {
    let name = literal(model);
    let packing = settings.pack_on_load.and_then(packing);
    let load = match settings.profile {
        Profile::Transformers => format!(
            "from transformers import AutoModelForCausalLM, AutoTokenizer{}; \
             m = AutoModelForCausalLM.from_pretrained({name}, dtype=\"{}\", device_map=\"auto\"{}{})",
            packing.as_ref().map_or("", |(class, _)| class),
            settings.float_type.map_or("auto", FloatType::name),
            attention(settings),
            packing.as_ref().map_or("", |(_, argument)| argument)
        ),
        Profile::GptqModel => format!(
            "from gptqmodel import BACKEND, GPTQModel; from transformers import AutoTokenizer; \
             m = GPTQModel.load({name}{}{})",
            backend(settings),
            attention(settings)
        ),
        Profile::AutoGptq => format!(
            "from auto_gptq import AutoGPTQForCausalLM; from transformers import AutoTokenizer; \
             m = AutoGPTQForCausalLM.from_quantized({name}, device=\"cuda:0\"{})",
            disabled(settings)
        ),
    };
    let statements = format!(
        "{load}; t = AutoTokenizer.from_pretrained({name}); \
         i = t(input(), return_tensors=\"pt\").to(\"cuda\"); \
         print(t.decode(m.generate(**i, max_length={context_length}{})[0]))",
        cache(settings.cache)
    );
    format!("python -c {}", shell(&statements))
}

/// The class to import for packing on load, and the argument.
fn packing(packing: Packing) -> Option<(&'static str, String)> {
    const BITSANDBYTES: &str = ", BitsAndBytesConfig";
    let argument = |config: &str| format!(", quantization_config={config}");
    Some(match packing {
        Packing::Int8(_) => (
            BITSANDBYTES,
            argument("BitsAndBytesConfig(load_in_8bit=True)"),
        ),
        Packing::Nf4(nf4) => {
            let double = if nf4.double_quant {
                ", bnb_4bit_use_double_quant=True"
            } else {
                ""
            };
            let config = format!(
                "BitsAndBytesConfig(load_in_4bit=True, bnb_4bit_quant_type=\"nf4\"{double}, bnb_4bit_compute_dtype=\"bfloat16\")"
            );
            (BITSANDBYTES, argument(&config))
        }
        Packing::Hqq(hqq) => {
            let group = hqq.group_size.unwrap_or(64);
            let config = format!("HqqConfig(nbits={}, group_size={group})", hqq.bits);
            (", HqqConfig", argument(&config))
        }
        _ => return None,
    })
}

fn attention(settings: &Transformers) -> String {
    settings.attention.map_or_else(String::new, |attention| {
        format!(", attn_implementation=\"{}\"", attention.name())
    })
}

fn cache(cache: Cache) -> &'static str {
    match cache {
        Cache::Dynamic => "",
        Cache::Static => ", cache_implementation=\"static\"",
        Cache::Int8 => {
            ", cache_implementation=\"quantized\", cache_config={\"backend\": \"hqq\", \"nbits\": 8}"
        }
        Cache::Int4 => {
            ", cache_implementation=\"quantized\", cache_config={\"backend\": \"quanto\", \"nbits\": 4}"
        }
    }
}

/// GPTQModel's argument for the kernel.
fn backend(settings: &Transformers) -> &'static str {
    match settings.kernel {
        None | Some(Kernel::Exllama) => "",
        Some(Kernel::Marlin) => ", backend=BACKEND.GPTQ_MARLIN",
        Some(Kernel::ExllamaV2) => ", backend=BACKEND.GPTQ_EXLLAMA_V2",
        Some(Kernel::Triton) => ", backend=BACKEND.GPTQ_TRITON",
        Some(Kernel::Torch) => ", backend=BACKEND.GPTQ_TORCH",
    }
}

/// AutoGPTQ's arguments for the kernel: it takes the first that is not switched off.
fn disabled(settings: &Transformers) -> &'static str {
    match settings.kernel {
        None | Some(Kernel::ExllamaV2) => "",
        Some(Kernel::Exllama) => ", disable_exllamav2=True",
        Some(Kernel::Marlin) => ", use_marlin=True",
        Some(Kernel::Triton) => ", use_triton=True",
        Some(Kernel::Torch) => ", disable_exllama=True, disable_exllamav2=True",
    }
}

/// A literal of Python.
fn literal(text: &str) -> String {
    format!("\"{}\"", text.replace('\\', "\\\\").replace('"', "\\\""))
}

/// One word of a POSIX shell.
fn shell(text: &str) -> String {
    format!("'{}'", text.replace('\'', "'\\''"))
}
