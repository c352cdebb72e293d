//! Groups of options, the same in every command that has them.

use clap::{Args, ValueHint};
use shared::engine::Precision;
use shared::engine::llama_cpp::{FlashAttention, SplitMode};
use shared::engine::sglang::{Ratio, StaticShare};
use shared::engine::transformers::{AttentionImplementation, Cache, Kernel};
use shared::engine::vllm::{CacheType, Drafter, Utilization};
use shared::fit::Answer;
use shared::quant::{FileType, Packing, TensorType};
use shared::text::Language;

use super::value::{self, Format, Layers, LengthOrAuto};

/// Which model.
#[derive(Debug, Args)]
#[command(next_help_heading = "Model")]
pub(crate) struct ModelChoice {
    /// Catalogue name, Ollama tag, or path of a .gguf, a config.json or a folder with one;
    /// `:Q4_K_M` may follow. Without it: every local Ollama model
    #[arg(value_name = "MODEL", display_order = 0, value_hint = ValueHint::AnyPath)]
    pub(crate) model: Option<String>,
    /// Format of the weights, where the model leaves it open
    #[arg(long, value_name = "NAME", value_parser = value::format(), ignore_case = true)]
    pub(crate) quant: Option<Format>,
    /// The file in the repository or folder
    #[arg(long, value_name = "X.gguf")]
    pub(crate) file: Option<String>,
    /// For a model type without known rules: a bound that does not under-estimate
    #[arg(long)]
    pub(crate) conservative: bool,
    #[command(flatten)]
    pub(crate) geometry: ManualOptions,
}

impl ModelChoice {
    /// The mix of llama-quantize asked for.
    pub(crate) fn file_type(&self) -> Option<FileType> {
        match self.quant {
            Some(Format::File(file_type)) => Some(file_type),
            _ => None,
        }
    }

    /// The packing of checkpoints asked for.
    pub(crate) fn packing(&self) -> Option<Packing> {
        match self.quant {
            Some(Format::Packed(packing)) => Some(packing),
            _ => None,
        }
    }
}

/// The model's geometry by hand.
#[derive(Debug, Clone, Args)]
#[command(next_help_heading = "Model by hand, without a file")]
pub(crate) struct ManualOptions {
    /// Parameters, in thousands of millions: `8.2`
    #[arg(long, value_name = "B", value_parser = value::billions)]
    pub(crate) num_params_b: Option<u64>,
    /// Number of layers
    #[arg(long, value_name = "N", value_parser = value::positive)]
    pub(crate) num_layers: Option<u64>,
    /// Width of the residual stream
    #[arg(long, value_name = "N", value_parser = value::positive)]
    pub(crate) hidden_size: Option<u64>,
    /// Query heads
    #[arg(long, value_name = "N", value_parser = value::positive)]
    pub(crate) num_attention_heads: Option<u64>,
    /// KV heads; else as many as query heads
    #[arg(long, value_name = "N", value_parser = value::positive)]
    pub(crate) num_key_value_heads: Option<u64>,
    /// Elements of one head; else the width over the heads
    #[arg(long, value_name = "N", value_parser = value::positive)]
    pub(crate) head_dim: Option<u64>,
}

impl ManualOptions {
    /// Whether any of it was given.
    pub(crate) fn is_given(&self) -> bool {
        [
            self.num_params_b,
            self.num_layers,
            self.hidden_size,
            self.num_attention_heads,
            self.num_key_value_heads,
            self.head_dim,
        ]
        .iter()
        .any(Option::is_some)
    }
}

/// Which memory, and what must stay free of it.
#[derive(Debug, Args)]
#[command(next_help_heading = "Memory")]
pub(crate) struct Memory {
    /// Free VRAM in MiB, one number per GPU; else read live
    #[arg(long, value_name = "F[,F…]", value_delimiter = ',', value_parser = value::mebibytes)]
    pub(crate) free_vram_mb: Vec<u64>,
    /// Only these GPUs, by their numbers in nvidia-smi
    #[arg(long, value_name = "I[,I…]", value_delimiter = ',', value_parser = value::index)]
    #[arg(conflicts_with_all = ["free_vram_mb", "gpu"])]
    pub(crate) gpu_index: Vec<u32>,
    /// Cards of the catalogue, all their VRAM free unless --free-vram-mb says less
    #[arg(long, value_name = "CARD[,CARD…]", value_delimiter = ',')]
    pub(crate) gpu: Vec<String>,
    /// VRAM to keep free on every GPU, in MiB (default: 500)
    #[arg(long, value_name = "F", value_parser = value::mebibytes)]
    pub(crate) safety_margin_mb: Option<u64>,
    /// Replaces our estimate of what the CUDA context and the like take, in MiB
    #[arg(long, value_name = "F", value_parser = value::mebibytes)]
    pub(crate) runtime_overhead_mb: Option<u64>,
    /// Which truth: the planned buffers, also loads, also survives a full prompt (default:
    /// survives)
    #[arg(long, value_name = "planned|loads|survives", value_parser = value::answer())]
    pub(crate) answer: Option<Answer>,
}

/// Precisions of the KV cache.
#[derive(Debug, Args)]
#[command(next_help_heading = "Precision of the KV cache")]
pub(crate) struct Precisions {
    /// Which precisions to answer for: fp16, int8, int4
    #[arg(long, value_name = "P[,P…]", value_delimiter = ',', value_parser = value::precision(), ignore_case = true)]
    pub(crate) kv: Vec<Precision>,
    /// Exactly this type for the keys (llama.cpp)
    #[arg(long, value_name = "T", value_parser = value::cache_type(), conflicts_with = "kv")]
    pub(crate) cache_type_k: Option<TensorType>,
    /// Exactly this type for the values (llama.cpp)
    #[arg(long, value_name = "T", value_parser = value::cache_type(), conflicts_with = "kv")]
    pub(crate) cache_type_v: Option<TensorType>,
    /// Exactly this type (vLLM)
    #[arg(long, value_name = "T", value_parser = value::kv_cache_dtype(), conflicts_with = "kv")]
    pub(crate) kv_cache_dtype: Option<CacheType>,
}

/// Which engine, and its settings.
#[derive(Debug, Args)]
#[command(next_help_heading = "Engine")]
pub(crate) struct Backend {
    /// llama.cpp (llama-server, the default), llama-cli, ollama, lm-studio, koboldcpp,
    /// llama-cpp-python, vllm, sglang, transformers, gptqmodel, autogptq
    #[arg(long, value_name = "NAME")]
    pub(crate) backend: Option<String>,
    /// The engine's version (default: the newest known); llama.cpp's builds too (b8946)
    #[arg(long, value_name = "V")]
    pub(crate) backend_version: Option<String>,
    #[command(flatten)]
    pub(crate) llama_cpp: LlamaCppOptions,
    #[command(flatten)]
    pub(crate) additions: AdditionOptions,
    #[command(flatten)]
    pub(crate) vllm: VllmOptions,
    #[command(flatten)]
    pub(crate) sglang: SglangOptions,
    #[command(flatten)]
    pub(crate) transformers: TransformersOptions,
}

/// Settings of llama.cpp, by its own names.
#[derive(Debug, Args)]
#[command(
    next_help_heading = "llama.cpp and programs built on it (the defaults are llama-server's, one slot)"
)]
pub(crate) struct LlamaCppOptions {
    /// Flash attention (default: auto)
    #[arg(long, value_name = "on|off|auto", value_parser = value::flash_attention())]
    pub(crate) flash_attn: Option<FlashAttention>,
    /// Tokens of a logical batch (default: 2048)
    #[arg(long, value_name = "N", value_parser = value::positive)]
    pub(crate) batch_size: Option<u64>,
    /// Tokens of a physical batch (default: 512)
    #[arg(long, value_name = "N", value_parser = value::positive)]
    pub(crate) ubatch_size: Option<u64>,
    /// Sequences (slots) at once (default: 1)
    #[arg(long, value_name = "N", value_parser = value::positive)]
    pub(crate) parallel: Option<u64>,
    /// One cache for all sequences (default: off)
    #[arg(long, value_name = "on|off", value_parser = value::switch())]
    pub(crate) kv_unified: Option<bool>,
    /// Sliding-window layers keep the whole context; `=off` where the program has it on
    #[arg(long, value_name = "on|off", num_args = 0..=1, require_equals = true)]
    #[arg(default_missing_value = "on", value_parser = value::switch())]
    pub(crate) swa_full: Option<bool>,
    /// Layers on the GPUs, the output layer counted (default: all)
    #[arg(long, value_name = "N|all", value_parser = value::layers)]
    pub(crate) n_gpu_layers: Option<Layers>,
    /// First layers whose experts stay on the CPU (default: 0)
    #[arg(long, value_name = "N", value_parser = value::count)]
    pub(crate) n_cpu_moe: Option<u64>,
    /// Where tensors go whose name the pattern is found in: `exps=CPU`
    #[arg(long, value_name = "PATTERN=BUFFER", value_delimiter = ',')]
    #[arg(value_parser = value::tensor_override)]
    pub(crate) override_tensor: Vec<(String, String)>,
    /// Share of each GPU (default: by free VRAM)
    #[arg(long, value_name = "F[,F…]", value_delimiter = ',', value_parser = value::share)]
    pub(crate) tensor_split: Vec<f32>,
    /// Whole layers on each GPU, or everything on one (default: layer)
    #[arg(long, value_name = "layer|none", value_parser = value::split_mode())]
    pub(crate) split_mode: Option<SplitMode>,
    /// The one GPU of --split-mode none (default: 0)
    #[arg(long, value_name = "I", value_parser = value::index)]
    pub(crate) main_gpu: Option<u32>,
    /// The KV cache stays in host memory
    #[arg(long)]
    pub(crate) no_kv_offload: bool,
    /// Large batches of CPU layers stay on the CPU
    #[arg(long)]
    pub(crate) no_op_offload: bool,
    /// Rows of logits planned per micro-batch; 0 for all of it (default: one per slot)
    #[arg(long, value_name = "N", value_parser = value::count)]
    pub(crate) outputs_max: Option<u64>,
}

/// What runs beside the model, by llama-server's names.
#[derive(Debug, Args)]
#[command(next_help_heading = "Beside the model (llama-server, llama-cli)")]
pub(crate) struct AdditionOptions {
    /// A smaller model that drafts tokens: a .gguf or a catalogue name
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub(crate) model_draft: Option<String>,
    /// Its layers on the GPUs (default: all)
    #[arg(long, value_name = "N|all", value_parser = value::layers)]
    pub(crate) n_gpu_layers_draft: Option<Layers>,
    /// Type of the keys in the cache of what drafts (default: f16)
    #[arg(long, value_name = "T", value_parser = value::cache_type())]
    pub(crate) cache_type_k_draft: Option<TensorType>,
    /// Type of the values in the cache of what drafts (default: f16)
    #[arg(long, value_name = "T", value_parser = value::cache_type())]
    pub(crate) cache_type_v_draft: Option<TensorType>,
    /// draft-mtp: the model's own prediction layers (MTP) draft
    #[arg(long, value_name = "none|draft-simple|draft-mtp", value_parser = value::speculation())]
    pub(crate) spec_type: Option<bool>,
    /// Tokens drafted at once (default: 3)
    #[arg(long, value_name = "N", value_parser = value::positive)]
    pub(crate) spec_draft_n_max: Option<u64>,
    /// A projector for images and sound; auto: the model's own
    #[arg(long, value_name = "FILE|auto", value_hint = ValueHint::FilePath)]
    pub(crate) mmproj: Option<String>,
    /// The projector stays in host memory
    #[arg(long)]
    pub(crate) no_mmproj_offload: bool,
    /// LoRA adapters
    #[arg(long, value_name = "FILE[,FILE…]", value_delimiter = ',')]
    #[arg(value_hint = ValueHint::FilePath)]
    pub(crate) lora: Vec<String>,
}

/// Settings of vLLM, by its own names.
#[derive(Debug, Args)]
#[command(next_help_heading = "vLLM (vllm serve's defaults)")]
pub(crate) struct VllmOptions {
    /// Share of the GPU's memory (default: 0.92, or what is free)
    #[arg(long, value_name = "F", value_parser = value::utilization)]
    pub(crate) gpu_memory_utilization: Option<Utilization>,
    /// Bytes of the KV cache on each GPU, in place of the share
    #[arg(long, value_name = "N", value_parser = value::with_unit)]
    pub(crate) kv_cache_memory_bytes: Option<u64>,
    /// GPUs that share each layer (default: 1)
    #[arg(long, value_name = "N", value_parser = value::positive)]
    pub(crate) tensor_parallel_size: Option<u64>,
    /// GPUs, or groups of them, that hold consecutive layers (default: 1)
    #[arg(long, value_name = "N", value_parser = value::positive)]
    pub(crate) pipeline_parallel_size: Option<u64>,
    /// Tokens of one step (default: 2048 to 16384, by the GPU)
    #[arg(long, value_name = "N", value_parser = value::with_unit)]
    pub(crate) max_num_batched_tokens: Option<u64>,
    /// Requests of one step (default: 256 or 1024, by the GPU)
    #[arg(long, value_name = "N", value_parser = value::positive)]
    pub(crate) max_num_seqs: Option<u64>,
    /// Longest context of a request (default: auto, as long as fits)
    #[arg(long, value_name = "N|auto", value_parser = value::length_or_auto)]
    pub(crate) max_model_len: Option<LengthOrAuto>,
    /// Tokens of one block of the cache (default: the attention backend's)
    #[arg(long, value_name = "N", value_parser = value::positive)]
    pub(crate) block_size: Option<u64>,
    /// Prefixes are not cached
    #[arg(long)]
    pub(crate) no_enable_prefix_caching: bool,
    /// Layers with a window cache the whole context
    #[arg(long)]
    pub(crate) disable_hybrid_kv_cache_manager: bool,
    /// No CUDA graphs
    #[arg(long)]
    pub(crate) enforce_eager: bool,
    /// Neither images nor sound: their encoders are not loaded
    #[arg(long)]
    pub(crate) language_model_only: bool,
    /// Tokens drafted ahead in each step (default: 0)
    #[arg(long, value_name = "N", value_parser = value::count)]
    pub(crate) num_speculative_tokens: Option<u64>,
    /// What drafts them: a look-up in the text, or the model's own prediction layers (MTP)
    /// (default: ngram)
    #[arg(long, value_name = "ngram|mtp", value_parser = value::drafter())]
    pub(crate) speculative_method: Option<Drafter>,
}

/// Settings of SGLang, by its own names; `--tensor-parallel-size` is vLLM's too.
#[derive(Debug, Args)]
#[command(next_help_heading = "SGLang (sglang serve's defaults)")]
pub(crate) struct SglangOptions {
    /// Share of the free memory for weights and caches (default: SGLang's own estimate; auto: as
    /// much as leaves room for the rest)
    #[arg(long, value_name = "F|auto", value_parser = value::static_share)]
    pub(crate) mem_fraction_static: Option<StaticShare>,
    /// Longest context of a request (default: as long as fits)
    #[arg(long, value_name = "N", value_parser = value::positive)]
    pub(crate) context_length: Option<u64>,
    /// Tokens of a chunk of a prompt (default: 2048 to 16384, by the GPU)
    #[arg(long, value_name = "N", value_parser = value::positive)]
    pub(crate) chunked_prefill_size: Option<u64>,
    /// Requests at once (default: by the pool of tokens)
    #[arg(long, value_name = "N", value_parser = value::positive)]
    pub(crate) max_running_requests: Option<u64>,
    /// Tokens of the pool at most (default: as many as fit)
    #[arg(long, value_name = "N", value_parser = value::positive)]
    pub(crate) max_total_tokens: Option<u64>,
    /// Tokens of a page of the pool (default: the attention backend's)
    #[arg(long, value_name = "N", value_parser = value::positive)]
    pub(crate) page_size: Option<u64>,
    /// Tokens of layers with a window for each of the others (default: 0.8)
    #[arg(long, value_name = "F", value_parser = value::ratio)]
    pub(crate) swa_full_tokens_ratio: Option<Ratio>,
    /// Layers with a window keep the whole context
    #[arg(long)]
    pub(crate) disable_hybrid_swa_memory: bool,
    /// Memory of recurrent states for each byte of keys and values (default: 0.9)
    #[arg(long, value_name = "F", value_parser = value::ratio)]
    pub(crate) mamba_full_memory_ratio: Option<Ratio>,
    /// Recurrent states (default: by the ratio)
    #[arg(long, value_name = "N", value_parser = value::positive)]
    pub(crate) max_mamba_cache_size: Option<u64>,
    /// Prefixes are not cached
    #[arg(long)]
    pub(crate) disable_radix_cache: bool,
    /// No CUDA graphs
    #[arg(long)]
    pub(crate) disable_cuda_graph: bool,
    /// Largest batch of decoding that is captured (default: 8 to 512, by the GPU)
    #[arg(long, value_name = "N", value_parser = value::positive)]
    pub(crate) cuda_graph_max_bs_decode: Option<u64>,
}

/// Settings of Transformers and of the GPTQ packages that run its modules.
#[derive(Debug, Args)]
#[command(next_help_heading = "Transformers, GPTQModel, AutoGPTQ")]
pub(crate) struct TransformersOptions {
    /// Class of the KV cache (default: dynamic; int8 and int4 with --kv)
    #[arg(long, value_name = "dynamic|static|int8|int4", value_parser = value::cache())]
    #[arg(conflicts_with = "kv")]
    pub(crate) cache: Option<Cache>,
    /// How attention is computed (default: sdpa, where the model has it)
    #[arg(long, value_name = "NAME", value_parser = value::attention())]
    pub(crate) attn_implementation: Option<AttentionImplementation>,
    /// Kernel for GPTQ weights (default: what the package chooses)
    #[arg(long, value_name = "NAME", value_parser = value::kernel())]
    pub(crate) kernel: Option<Kernel>,
}

/// How the answer is written.
#[derive(Debug, Args)]
#[command(next_help_heading = "Output")]
pub(crate) struct Output {
    /// Language (default: the system's)
    #[arg(long, value_name = "ja|en", value_parser = value::language(), global = true)]
    pub(crate) lang: Option<Language>,
    /// JSON, one object a line
    #[arg(long, global = true)]
    pub(crate) json: bool,
    /// Print this help
    #[arg(short, long, action = clap::ArgAction::Help, global = true)]
    help: Option<bool>,
}
