//! The file types that llama-quantize makes.

use core::fmt;

use super::TensorType;

macro_rules! file_types {
    ($($variant:ident = $name:literal, $base:ident;)*) => {
        /// A file type of llama.cpp: a mix of tensor types, named by the one most tensors have.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
        #[allow(missing_docs)]
        pub enum FileType { $($variant,)* }

        impl FileType {
            /// Every file type, widest first.
            pub const ALL: &'static [Self] = &[$(Self::$variant,)*];

            /// The name as llama-quantize takes it.
            #[must_use]
            pub fn name(self) -> &'static str {
                match self { $(Self::$variant => $name,)* }
            }

            /// The type of the tensors that no rule singles out.
            #[must_use]
            pub fn base(self) -> TensorType {
                match self { $(Self::$variant => TensorType::$base,)* }
            }
        }
    };
}

file_types! {
    F32 = "F32", F32;
    F16 = "F16", F16;
    Bf16 = "BF16", Bf16;
    Q8_0 = "Q8_0", Q8_0;
    Q6K = "Q6_K", Q6K;
    Q5_1 = "Q5_1", Q5_1;
    Q5KM = "Q5_K_M", Q5K;
    Q5KS = "Q5_K_S", Q5K;
    Q5_0 = "Q5_0", Q5_0;
    Q4_1 = "Q4_1", Q4_1;
    Q4KM = "Q4_K_M", Q4K;
    Q4KS = "Q4_K_S", Q4K;
    Q4_0 = "Q4_0", Q4_0;
    Iq4Nl = "IQ4_NL", Iq4Nl;
    Iq4Xs = "IQ4_XS", Iq4Xs;
    Mxfp4Moe = "MXFP4_MOE", Mxfp4;
    Mxfp4 = "MXFP4", Mxfp4;
    Q3KL = "Q3_K_L", Q3K;
    Q3KM = "Q3_K_M", Q3K;
    Q3KS = "Q3_K_S", Q3K;
    Iq3M = "IQ3_M", Iq3S;
    Iq3S = "IQ3_S", Iq3S;
    Iq3Xs = "IQ3_XS", Iq3S;
    Iq3Xxs = "IQ3_XXS", Iq3Xxs;
    Q2K = "Q2_K", Q2K;
    Q2KS = "Q2_K_S", Q2K;
    Iq2M = "IQ2_M", Iq2S;
    Iq2S = "IQ2_S", Iq2Xs;
    Iq2Xs = "IQ2_XS", Iq2Xs;
    Iq2Xxs = "IQ2_XXS", Iq2Xxs;
    Tq2_0 = "TQ2_0", Tq2_0;
    Tq1_0 = "TQ1_0", Tq1_0;
    Iq1M = "IQ1_M", Iq1M;
    Iq1S = "IQ1_S", Iq1S;
}

impl FileType {
    /// The file type of this name, whatever its case; `Q4_K` and the like mean the medium mix, and
    /// `FP16` is what Ollama calls `F16`.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        let medium = [
            ("FP16", Self::F16),
            ("Q3_K", Self::Q3KM),
            ("Q4_K", Self::Q4KM),
            ("Q5_K", Self::Q5KM),
        ];
        Self::ALL
            .iter()
            .map(|&file_type| (file_type.name(), file_type))
            .chain(medium)
            .find(|(known, _)| known.eq_ignore_ascii_case(name))
            .map(|(_, file_type)| file_type)
    }

    /// The file type of this number in `general.file_type` of GGUF files (`llama.h`,
    /// `llama_ftype`); `None` for numbers of mixes that are no longer made.
    #[must_use]
    pub fn from_id(id: u64) -> Option<Self> {
        /// Set where the number was guessed from the tensors when the file was read.
        const GUESSED: u64 = 1024;
        Some(match id & !GUESSED {
            0 => Self::F32,
            1 => Self::F16,
            2 => Self::Q4_0,
            3 => Self::Q4_1,
            7 => Self::Q8_0,
            8 => Self::Q5_0,
            9 => Self::Q5_1,
            10 => Self::Q2K,
            11 => Self::Q3KS,
            12 => Self::Q3KM,
            13 => Self::Q3KL,
            14 => Self::Q4KS,
            15 => Self::Q4KM,
            16 => Self::Q5KS,
            17 => Self::Q5KM,
            18 => Self::Q6K,
            19 => Self::Iq2Xxs,
            20 => Self::Iq2Xs,
            21 => Self::Q2KS,
            22 => Self::Iq3Xs,
            23 => Self::Iq3Xxs,
            24 => Self::Iq1S,
            25 => Self::Iq4Nl,
            26 => Self::Iq3S,
            27 => Self::Iq3M,
            28 => Self::Iq2S,
            29 => Self::Iq2M,
            30 => Self::Iq4Xs,
            31 => Self::Iq1M,
            32 => Self::Bf16,
            36 => Self::Tq1_0,
            37 => Self::Tq2_0,
            38 => Self::Mxfp4Moe,
            _ => return None,
        })
    }
}

impl fmt::Display for FileType {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.name())
    }
}
