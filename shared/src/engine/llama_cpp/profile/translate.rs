//! The same settings in every program built on llama.cpp.

use alloc::vec::Vec;

use super::{PROFILES, Profile};
use crate::engine::llama_cpp::{Additions, LlamaCpp};

/// A program's settings, or what it cannot be told of them, by llama-server's names.
pub type Translated = Result<LlamaCpp, Vec<&'static str>>;

impl LlamaCpp {
    /// What was set differently from the program's own defaults, set in each program by its name as
    /// people write it.
    pub fn in_programs(&self) -> impl Iterator<Item = (&'static str, Translated)> {
        PROFILES
            .iter()
            .map(|&program| (program.command_label(), self.in_program(program)))
    }

    fn in_program(&self, program: &'static dyn Profile) -> Translated {
        if program == self.profile {
            return Ok(self.clone());
        }
        let before = self.profile.defaults();
        let mut settings = program.defaults();
        let mut lacks = Vec::new();
        let mut told = |is_set: bool, option: &'static str| {
            let is_told = is_set && program.takes().contains(&option);
            if is_set && !is_told {
                lacks.push(option);
            }
            is_told
        };
        if told(self.cache_type_k != before.cache_type_k, "--cache-type-k") {
            settings.cache_type_k = self.cache_type_k;
        }
        if told(self.cache_type_v != before.cache_type_v, "--cache-type-v") {
            settings.cache_type_v = self.cache_type_v;
        }
        if told(
            self.flash_attention != before.flash_attention,
            "--flash-attn",
        ) {
            settings.flash_attention = self.flash_attention;
        }
        if told(self.batch_size != before.batch_size, "--batch-size")
            && !program.has_one_batch_size()
        {
            settings.batch_size = self.batch_size;
        }
        if told(self.ubatch_size != before.ubatch_size, "--ubatch-size") {
            settings = settings.with_micro_batch(self.ubatch_size);
        }
        if told(self.parallel != before.parallel, "--parallel") {
            settings.parallel = self.parallel;
        }
        if told(self.kv_unified != before.kv_unified, "--kv-unified") {
            settings.kv_unified = self.kv_unified;
        }
        if told(self.swa_full != before.swa_full, "--swa-full") {
            settings.swa_full = self.swa_full;
        }
        if told(self.gpu_layers != before.gpu_layers, "--n-gpu-layers") {
            settings.gpu_layers = self.gpu_layers;
        }
        if told(self.cpu_moe_layers != before.cpu_moe_layers, "--n-cpu-moe") {
            settings.cpu_moe_layers = self.cpu_moe_layers;
        }
        if told(!self.tensor_overrides.is_empty(), "--override-tensor") {
            settings.tensor_overrides.clone_from(&self.tensor_overrides);
        }
        if told(self.tensor_split != before.tensor_split, "--tensor-split") {
            settings.tensor_split.clone_from(&self.tensor_split);
        }
        if told(self.split_mode != before.split_mode, "--split-mode") {
            settings.split_mode = self.split_mode;
        }
        if told(self.main_gpu != before.main_gpu, "--main-gpu") {
            settings.main_gpu = self.main_gpu;
        }
        if told(!self.kv_offload, "--no-kv-offload") {
            settings.kv_offload = false;
        }
        if told(!self.op_offload, "--no-op-offload") {
            settings.op_offload = false;
        }
        let beside = &self.additions;
        let comes_anyway = program.loads_projectors()
            && beside.projector_offload
            && matches!(&beside.projector, Some((name, _)) if name == Additions::OWN_PROJECTOR);
        let is_told = [
            told(beside.draft.is_some(), "--model-draft"),
            told(beside.prediction, "--spec-type"),
            told(beside.projector.is_some() && !comes_anyway, "--mmproj"),
            told(!beside.adapters.is_empty(), "--lora"),
        ];
        if is_told.contains(&true) {
            settings.additions = beside.clone();
        }
        if lacks.is_empty() {
            Ok(settings)
        } else {
            Err(lacks)
        }
    }
}

#[cfg(all(test, feature = "configs"))]
mod tests {
    use super::*;
    use crate::engine::llama_cpp::SplitMode;
    use crate::engine::llama_cpp::profile::{KoboldCpp, LlamaCppPython, LmStudio, Ollama};

    #[test]
    fn each_program_is_told_what_it_takes() {
        let settings = LlamaCpp {
            split_mode: SplitMode::None,
            main_gpu: 1,
            ..LlamaCpp::default()
        };
        for (name, translated) in settings.in_programs() {
            match name {
                "LM Studio" => {
                    assert_eq!(translated, Err(Vec::from(["--split-mode", "--main-gpu"])));
                }
                _ => assert_eq!(translated.unwrap().main_gpu, 1, "{name}"),
            }
        }
        let experts = LlamaCpp {
            cpu_moe_layers: 3,
            ubatch_size: 256,
            ..LlamaCpp::default()
        };
        assert_eq!(experts.in_program(&Ollama), Err(Vec::from(["--n-cpu-moe"])));
        assert!(experts.in_program(&LmStudio).is_err());
        assert!(experts.in_program(&LlamaCppPython).is_err());
        let kobold = experts.in_program(&KoboldCpp).unwrap();
        assert_eq!((kobold.cpu_moe_layers, kobold.batch_size), (3, 256));
        // What a program has of its own is no setting to carry over.
        let own = Ollama.defaults().in_program(&LmStudio);
        assert_eq!(own, Ok(LmStudio.defaults()));
    }
}
