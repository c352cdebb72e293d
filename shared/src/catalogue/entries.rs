//! The models known by name, in alphabetical order of their tags.
//!
//! File types and labels are those that Ollama's library shows for the tags; the configurations
//! are the repositories' own, less what the reader does not read. Prediction layers (MTP) that
//! the tag's file lacks are left out of them.

use super::{Entry, Quirk};
use crate::quant::FileType;

macro_rules! entries {
    ($($tag:literal [$($alias:literal),*] $repository:literal, $file_type:ident, $parameters:literal,
        $context_length:literal, $config:literal $(, $quirk:ident)?;)*) => {
        /// Every model known by name.
        pub(super) const ENTRIES: &[Entry] = &[$(Entry {
            tag: $tag,
            aliases: &[$($alias),*],
            repository: $repository,
            file_type: FileType::$file_type,
            parameters: $parameters,
            context_length: $context_length,
            quirk: quirk!($($quirk)?),
            #[cfg(feature = "configs")]
            config: include_str!(concat!("configs/", $config, ".json")),
        },)*];
    };
}

macro_rules! quirk {
    () => {
        None
    };
    ($quirk:ident) => {
        Some(Quirk::$quirk)
    };
}

// Tag, aliases, repository, file type, parameters, trained context, configuration in `configs/`
// and, where the tag's file has one, its quirk.
entries! {
    "codestral:22b" ["codestral"] "mistralai/Codestral-22B-v0.1",
        Q4_0, "22.2B", 32_768, "codestral-22b";
    "command-r7b:7b" ["command-r7b"] "CohereForAI/c4ai-command-r7b-12-2024",
        Q4KM, "8.0B", 132_096, "command-r7b";
    "deepseek-coder-v2:16b" ["deepseek-coder-v2"] "deepseek-ai/DeepSeek-Coder-V2-Lite-Instruct",
        Q4_0, "15.7B", 163_840, "deepseek-v2-lite", BeforeLatentCache;
    "deepseek-r1:1.5b" [] "deepseek-ai/DeepSeek-R1-Distill-Qwen-1.5B",
        Q4KM, "1.8B", 131_072, "deepseek-r1-distill-qwen-1.5b";
    "deepseek-r1:14b" [] "deepseek-ai/DeepSeek-R1-Distill-Qwen-14B",
        Q4KM, "14.8B", 131_072, "deepseek-r1-distill-qwen-14b";
    "deepseek-r1:32b" [] "deepseek-ai/DeepSeek-R1-Distill-Qwen-32B",
        Q4KM, "32.8B", 131_072, "deepseek-r1-distill-qwen-32b";
    "deepseek-r1:70b" [] "deepseek-ai/DeepSeek-R1-Distill-Llama-70B",
        Q4KM, "70.6B", 131_072, "deepseek-r1-distill-llama-70b";
    "deepseek-r1:7b" [] "deepseek-ai/DeepSeek-R1-Distill-Qwen-7B",
        Q4KM, "7.6B", 131_072, "deepseek-r1-distill-qwen-7b";
    "deepseek-r1:8b" ["deepseek-r1"] "deepseek-ai/DeepSeek-R1-0528-Qwen3-8B",
        Q4KM, "8.2B", 131_072, "deepseek-r1-0528-qwen3-8b", ValuesInF16;
    "deepseek-v3:671b" [] "deepseek-ai/DeepSeek-V3", Q4KM, "671.0B", 163_840, "deepseek-v3";
    "devstral-small-2:24b" ["devstral-small-2"] "mistralai/Devstral-Small-2-24B-Instruct-2512",
        Q4KM, "24.0B", 393_216, "devstral-small-2-24b";
    "devstral:24b" ["devstral"] "mistralai/Devstral-Small-2505",
        Q4KM, "23.6B", 131_072, "devstral-24b";
    "ernie-4.5:21b-a3b" [] "baidu/ERNIE-4.5-21B-A3B-PT",
        Q4KM, "21.8B", 131_072, "ernie-4.5-21b-a3b";
    "exaone3.5:7.8b" ["exaone3.5"] "LGAI-EXAONE/EXAONE-3.5-7.8B-Instruct",
        Q4KM, "7.8B", 32_768, "exaone-3.5-7.8b";
    "exaone4:32b" [] "LGAI-EXAONE/EXAONE-4.0-32B", Q4KM, "32.0B", 131_072, "exaone-4.0-32b";
    "falcon-h1:7b" [] "tiiuae/Falcon-H1-7B-Instruct", Q4KM, "7.6B", 262_144, "falcon-h1-7b";
    "falcon3:10b" [] "tiiuae/Falcon3-10B-Instruct", Q4KM, "10.3B", 32_768, "falcon3-10b";
    "gemma2:27b" [] "google/gemma-2-27b-it", Q4_0, "27.2B", 8_192, "gemma-2-27b";
    "gemma2:2b" [] "google/gemma-2-2b-it", Q4_0, "2.6B", 8_192, "gemma-2-2b";
    "gemma2:9b" ["gemma2"] "google/gemma-2-9b-it", Q4_0, "9.2B", 8_192, "gemma-2-9b";
    "gemma3:12b" [] "google/gemma-3-12b-it", Q4KM, "12.2B", 131_072, "gemma-3-12b";
    "gemma3:1b" [] "google/gemma-3-1b-it", Q4KM, "1.0B", 32_768, "gemma-3-1b";
    "gemma3:270m" [] "google/gemma-3-270m-it", Q8_0, "268M", 32_768, "gemma-3-270m";
    "gemma3:27b" [] "google/gemma-3-27b-it", Q4KM, "27.4B", 131_072, "gemma-3-27b";
    "gemma3:4b" ["gemma3"] "google/gemma-3-4b-it", Q4KM, "4.3B", 131_072, "gemma-3-4b";
    "gemma3n:e2b" [] "google/gemma-3n-E2B-it", Q4KM, "5.4B", 32_768, "gemma-3n-e2b";
    "gemma3n:e4b" ["gemma3n"] "google/gemma-3n-E4B-it", Q4KM, "7.8B", 32_768, "gemma-3n-e4b";
    "gemma4:12b" [] "google/gemma-4-12B-it", Q4KM, "12.0B", 262_144, "gemma-4-12b";
    "gemma4:26b" [] "google/gemma-4-26B-A4B-it", Q4KM, "25.8B", 262_144, "gemma-4-26b-a4b";
    "gemma4:31b" [] "google/gemma-4-31B-it", Q4KM, "31.3B", 262_144, "gemma-4-31b";
    "gemma4:e2b" [] "google/gemma-4-E2B-it", Q4KM, "5.1B", 131_072, "gemma-4-e2b";
    "gemma4:e4b" ["gemma4"] "google/gemma-4-E4B-it", Q4KM, "8.0B", 131_072, "gemma-4-e4b";
    "glm-4.5-air" [] "zai-org/GLM-4.5-Air", Q4KM, "110.5B", 131_072, "glm-4.5-air";
    "glm-4.7-flash:latest" [] "zai-org/GLM-4.7-Flash", Q4KM, "29.9B", 202_752, "glm-4.7-flash";
    "glm-4:32b" [] "zai-org/GLM-4-32B-0414", Q4KM, "32.6B", 32_768, "glm-4-32b-0414";
    "glm-4:9b" [] "zai-org/GLM-4-9B-0414", Q4KM, "9.4B", 32_768, "glm-4-9b-0414";
    "gpt-oss:120b" [] "openai/gpt-oss-120b", Mxfp4, "116.8B", 131_072, "gpt-oss-120b";
    "gpt-oss:20b" ["gpt-oss"] "openai/gpt-oss-20b", Mxfp4, "20.9B", 131_072, "gpt-oss-20b";
    "granite3.3:8b" ["granite3.3"] "ibm-granite/granite-3.3-8b-instruct",
        Q4KM, "8.2B", 131_072, "granite-3.3-8b";
    "granite4.1:30b" [] "ibm-granite/granite-4.1-30b", Q4KM, "28.9B", 131_072, "granite-4.1-30b";
    "granite4.1:8b" ["granite4.1"] "ibm-granite/granite-4.1-8b",
        Q4KM, "8.8B", 131_072, "granite-4.1-8b";
    "granite4:3b" ["granite4"] "ibm-granite/granite-4.0-micro",
        Q4KM, "3.4B", 131_072, "granite-4.0-micro";
    "granite4:micro-h" [] "ibm-granite/granite-4.0-h-micro",
        Q4KM, "3.2B", 131_072, "granite-4.0-h-micro";
    "granite4:small-h" [] "ibm-granite/granite-4.0-h-small",
        Q4KM, "32.2B", 131_072, "granite-4.0-h-small";
    "granite4:tiny-h" [] "ibm-granite/granite-4.0-h-tiny",
        Q4KM, "6.9B", 131_072, "granite-4.0-h-tiny";
    "hunyuan:a13b" [] "tencent/Hunyuan-A13B-Instruct", Q4KM, "80.4B", 32_768, "hunyuan-a13b";
    "jamba-mini" [] "ai21labs/AI21-Jamba-Mini-1.6", Q4KM, "51.6B", 262_144, "jamba-mini-1.6";
    "kimi-linear:48b-a3b" [] "moonshotai/Kimi-Linear-48B-A3B-Instruct",
        Q4KM, "49.1B", 1_048_576, "kimi-linear-48b-a3b";
    "lfm2.5-thinking:1.2b" ["lfm2.5-thinking"] "LiquidAI/LFM2.5-1.2B-Thinking",
        Q4KM, "1.2B", 128_000, "lfm2-1.2b";
    "lfm2:24b" ["lfm2"] "LiquidAI/LFM2-24B-A2B", Q4KM, "23.8B", 128_000, "lfm2-24b-a2b";
    "ling-mini-2.0" [] "inclusionAI/Ling-mini-2.0", Q4KM, "16.3B", 32_768, "ling-mini-2.0";
    "llama2:7b" ["llama2"] "meta-llama/Llama-2-7b-chat-hf", Q4_0, "6.7B", 4_096, "llama-2-7b";
    "llama3.1:70b" [] "meta-llama/Llama-3.1-70B-Instruct", Q4KM, "70.6B", 131_072, "llama-3.3-70b";
    "llama3.1:8b" ["llama3.1"] "meta-llama/Llama-3.1-8B-Instruct",
        Q4KM, "8.0B", 131_072, "llama-3.1-8b";
    "llama3.2:1b" [] "meta-llama/Llama-3.2-1B-Instruct", Q8_0, "1.2B", 131_072, "llama-3.2-1b";
    "llama3.2:3b" ["llama3.2"] "meta-llama/Llama-3.2-3B-Instruct",
        Q4KM, "3.2B", 131_072, "llama-3.2-3b";
    "llama3.3:70b" ["llama3.3"] "meta-llama/Llama-3.3-70B-Instruct",
        Q4KM, "70.6B", 131_072, "llama-3.3-70b";
    "llama3:8b" ["llama3"] "meta-llama/Meta-Llama-3-8B-Instruct", Q4_0, "8.0B", 8_192, "llama-3-8b";
    "llama4:16x17b" ["llama4"] "meta-llama/Llama-4-Scout-17B-16E-Instruct",
        Q4KM, "108.6B", 10_485_760, "llama-4-scout";
    "llava:7b" ["llava"] "liuhaotian/llava-v1.6-mistral-7b",
        Q4_0, "7.6B", 32_768, "mistral-7b-v0.2";
    "magistral:24b" ["magistral"] "mistralai/Magistral-Small-2506",
        Q4KM, "23.6B", 40_960, "magistral-24b";
    "minimax-m2" [] "MiniMaxAI/MiniMax-M2", Q4KM, "228.7B", 196_608, "minimax-m2";
    "ministral-3:14b" [] "mistralai/Ministral-3-14B-Instruct-2512",
        Q4KM, "13.9B", 262_144, "ministral-3-14b";
    "ministral-3:3b" [] "mistralai/Ministral-3-3B-Instruct-2512",
        Q4KM, "3.8B", 262_144, "ministral-3-3b";
    "ministral-3:8b" ["ministral-3"] "mistralai/Ministral-3-8B-Instruct-2512",
        Q4KM, "8.9B", 262_144, "ministral-3-8b";
    "mistral-nemo:12b" ["mistral-nemo"] "mistralai/Mistral-Nemo-Instruct-2407",
        Q4_0, "12.2B", 131_072, "mistral-nemo-12b";
    "mistral-small3.2:24b" ["mistral-small3.2"] "mistralai/Mistral-Small-3.2-24B-Instruct-2506",
        Q4KM, "24.0B", 131_072, "mistral-small-3.2-24b";
    "mistral-small:24b" ["mistral-small"] "mistralai/Mistral-Small-24B-Instruct-2501",
        Q4KM, "23.6B", 32_768, "mistral-small-24b";
    "mistral:7b" ["mistral"] "mistralai/Mistral-7B-Instruct-v0.3",
        Q4KM, "7.2B", 32_768, "mistral-7b-v0.3";
    "mixtral:8x7b" ["mixtral"] "mistralai/Mixtral-8x7B-Instruct-v0.1",
        Q4_0, "46.7B", 32_768, "mixtral-8x7b";
    "nemotron-3-nano:30b" ["nemotron-3-nano"] "nvidia/NVIDIA-Nemotron-3-Nano-30B-A3B-BF16",
        Q4KM, "31.6B", 262_144, "nemotron-3-nano-30b-a3b";
    "nemotron-3-super:120b" ["nemotron-3-super"] "nvidia/NVIDIA-Nemotron-3-Super-120B-A12B-BF16",
        Q4KM, "123.6B", 262_144, "nemotron-3-super-120b";
    "nemotron-nano:9b-v2" [] "nvidia/NVIDIA-Nemotron-Nano-9B-v2",
        Q4KM, "8.9B", 131_072, "nemotron-nano-9b-v2";
    "olmo-3:32b" [] "allenai/Olmo-3-32B-Think", Q4KM, "32.2B", 65_536, "olmo-3-32b";
    "olmo-3:7b" ["olmo-3"] "allenai/Olmo-3-7B-Think", Q4KM, "7.3B", 65_536, "olmo-3-7b";
    "olmo2:7b" ["olmo2"] "allenai/OLMo-2-1124-7B-Instruct", Q4KM, "7.3B", 4_096, "olmo-2-7b";
    "openbmb/minicpm-v4.5:latest" ["minicpm-v4.5"] "openbmb/MiniCPM-V-4_5",
        Q4_0, "8.2B", 40_960, "minicpm-v-4.5";
    "phi3.5:3.8b" ["phi3.5"] "microsoft/Phi-3.5-mini-instruct",
        Q4_0, "3.8B", 131_072, "phi-3.5-mini";
    "phi4-mini:3.8b" ["phi4-mini"] "microsoft/Phi-4-mini-instruct",
        Q4KM, "3.8B", 131_072, "phi-4-mini";
    "phi4:14b" ["phi4"] "microsoft/phi-4", Q4KM, "14.7B", 16_384, "phi-4";
    "qwen2.5-coder:14b" [] "Qwen/Qwen2.5-Coder-14B-Instruct", Q4KM, "14.8B", 32_768, "qwen2.5-14b";
    "qwen2.5-coder:32b" [] "Qwen/Qwen2.5-Coder-32B-Instruct", Q4KM, "32.8B", 32_768, "qwen2.5-32b";
    "qwen2.5-coder:7b" ["qwen2.5-coder"] "Qwen/Qwen2.5-Coder-7B-Instruct",
        Q4KM, "7.6B", 32_768, "qwen2.5-7b";
    "qwen2.5:1.5b" [] "Qwen/Qwen2.5-1.5B-Instruct", Q4KM, "1.5B", 32_768, "qwen2.5-1.5b";
    "qwen2.5:14b" [] "Qwen/Qwen2.5-14B-Instruct", Q4KM, "14.8B", 32_768, "qwen2.5-14b";
    "qwen2.5:32b" [] "Qwen/Qwen2.5-32B-Instruct", Q4KM, "32.8B", 32_768, "qwen2.5-32b";
    "qwen2.5:3b" [] "Qwen/Qwen2.5-3B-Instruct", Q4KM, "3.1B", 32_768, "qwen2.5-3b";
    "qwen2.5:72b" [] "Qwen/Qwen2.5-72B-Instruct", Q4KM, "72.7B", 32_768, "qwen2.5-72b";
    "qwen2.5:7b" ["qwen2.5"] "Qwen/Qwen2.5-7B-Instruct", Q4KM, "7.6B", 32_768, "qwen2.5-7b";
    "qwen2.5vl:7b" ["qwen2.5vl"] "Qwen/Qwen2.5-VL-7B-Instruct",
        Q4KM, "8.3B", 128_000, "qwen2.5-vl-7b";
    "qwen3-coder-next:latest" [] "Qwen/Qwen3-Coder-Next",
        Q4KM, "79.7B", 262_144, "qwen3-coder-next";
    "qwen3-coder:30b" ["qwen3-coder"] "Qwen/Qwen3-Coder-30B-A3B-Instruct",
        Q4KM, "30.5B", 262_144, "qwen3-30b-a3b-2507";
    "qwen3-next:80b" ["qwen3-next"] "Qwen/Qwen3-Next-80B-A3B-Instruct",
        Q4KM, "81.3B", 262_144, "qwen3-next-80b-a3b";
    "qwen3-vl:30b" [] "Qwen/Qwen3-VL-30B-A3B-Thinking", Q4KM, "31.1B", 262_144, "qwen3-vl-30b-a3b";
    "qwen3-vl:32b" [] "Qwen/Qwen3-VL-32B-Thinking", Q4KM, "33.4B", 262_144, "qwen3-vl-32b";
    "qwen3-vl:4b" [] "Qwen/Qwen3-VL-4B-Thinking", Q4KM, "4.4B", 262_144, "qwen3-vl-4b";
    "qwen3-vl:8b" ["qwen3-vl"] "Qwen/Qwen3-VL-8B-Thinking", Q4KM, "8.8B", 262_144, "qwen3-vl-8b";
    "qwen3.5:0.8b" [] "Qwen/Qwen3.5-0.8B", Q8_0, "873M", 262_144, "qwen3.5-0.8b";
    "qwen3.5:122b" [] "Qwen/Qwen3.5-122B-A10B", Q4KM, "125.1B", 262_144, "qwen3.5-122b-a10b";
    "qwen3.5:27b" [] "Qwen/Qwen3.5-27B", Q4KM, "27.8B", 262_144, "qwen3.5-27b";
    "qwen3.5:2b" [] "Qwen/Qwen3.5-2B", Q8_0, "2.3B", 262_144, "qwen3.5-2b";
    "qwen3.5:35b" [] "Qwen/Qwen3.5-35B-A3B", Q4KM, "36.0B", 262_144, "qwen3.5-35b-a3b";
    "qwen3.5:4b" [] "Qwen/Qwen3.5-4B", Q4KM, "4.7B", 262_144, "qwen3.5-4b";
    "qwen3.5:9b" ["qwen3.5"] "Qwen/Qwen3.5-9B", Q4KM, "9.7B", 262_144, "qwen3.5-9b";
    "qwen3.6:27b" [] "Qwen/Qwen3.6-27B", Q4KM, "27.8B", 262_144, "qwen3.5-27b";
    "qwen3.6:27b-mtp" ["qwen3.6:27b-mtp-q4_K_M"] "Qwen/Qwen3.6-27B", Q4KM, "27.8B", 262_144, "qwen3.8-27b";
    "qwen3.6:35b" ["qwen3.6"] "Qwen/Qwen3.6-35B-A3B", Q4KM, "36.0B", 262_144, "qwen3.5-35b-a3b";
    "qwen3.6:35b-mtp" ["qwen3.6:35b-a3b-mtp-q4_K_M"]
        "Qwen/Qwen3.6-35B-A3B", Q4KM, "36.0B", 262_144, "qwen3.6-35b-a3b-mtp";
    "qwen3.8:27b" ["qwen3.8"] "Qwen/Qwen3.8-27B", Q4KM, "27.8B", 262_144, "qwen3.8-27b";
    "qwen3:0.6b" [] "Qwen/Qwen3-0.6B", Q4KM, "752M", 40_960, "qwen3-0.6b-with-head", ValuesInF16;
    "qwen3:1.7b" [] "Qwen/Qwen3-1.7B", Q4KM, "2.0B", 40_960, "qwen3-1.7b-with-head", ValuesInF16;
    "qwen3:14b" [] "Qwen/Qwen3-14B", Q4KM, "14.8B", 40_960, "qwen3-14b", ValuesInF16;
    "qwen3:14b-16k" [] "Qwen/Qwen3-14B", Q4KM, "14.8B", 40_960, "qwen3-14b", ValuesInF16;
    "qwen3:235b" [] "Qwen/Qwen3-235B-A22B-Thinking-2507",
        Q4KM, "235.1B", 262_144, "qwen3-235b-a22b-2507";
    "qwen3:30b" [] "Qwen/Qwen3-30B-A3B-Thinking-2507", Q4KM, "30.5B", 262_144, "qwen3-30b-a3b-2507";
    "qwen3:32b" [] "Qwen/Qwen3-32B", Q4KM, "32.8B", 40_960, "qwen3-32b", ValuesInF16;
    "qwen3:4b" [] "Qwen/Qwen3-4B-Thinking-2507", Q4KM, "4.0B", 262_144, "qwen3-4b-2507";
    "qwen3:8b" ["qwen3"] "Qwen/Qwen3-8B", Q4KM, "8.2B", 40_960, "qwen3-8b", ValuesInF16;
    "qwen3:8b-16k" [] "Qwen/Qwen3-8B", Q4KM, "8.2B", 40_960, "qwen3-8b", ValuesInF16;
    "qwq:32b" ["qwq"] "Qwen/QwQ-32B", Q4KM, "32.8B", 40_960, "qwq-32b";
    "seed-oss:36b" [] "ByteDance-Seed/Seed-OSS-36B-Instruct",
        Q4KM, "36.2B", 524_288, "seed-oss-36b";
    "smollm2:1.7b" ["smollm2"] "HuggingFaceTB/SmolLM2-1.7B-Instruct",
        Q8_0, "1.7B", 8_192, "smollm2-1.7b";
    "smollm2:135m" [] "HuggingFaceTB/SmolLM2-135M-Instruct", F16, "135M", 8_192, "smollm2-135m";
    "smollm3:3b" [] "HuggingFaceTB/SmolLM3-3B", Q4KM, "3.1B", 65_536, "smollm3-3b";
    "starcoder2:7b" [] "bigcode/starcoder2-7b", Q4_0, "7.2B", 16_384, "starcoder2-7b";
    "tinyllama:1.1b" ["tinyllama"] "TinyLlama/TinyLlama-1.1B-Chat-v1.0",
        Q4_0, "1.1B", 2_048, "tinyllama-1.1b";
}
