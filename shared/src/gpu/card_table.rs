//! The cards, and the memory that their drivers show.
//!
//! `is`: seen on the card or on its siblings, or by a rule that every card of its generation
//! that was seen follows. `about`: the size it is sold by, or a reckoning from it.
//!
//! Sources: totals that `nvidia-smi`, `rocm-smi` and llama.cpp's logs print, collected from
//! public repositories in 2026; else TechPowerUp's sizes with the share that ECC and the driver
//! take off (GDDR7: 1020 MiB a gigabyte, less a sixteenth of the bus width and one; Ada and
//! RTX A: 1024, less a thirty-second of it; ECC: fifteen sixteenths). Apple: the working set
//! that Metal recommends by default, two thirds of the memory up to 32 GB and three quarters
//! above (recent systems allow more). Strix Halo: the half of the memory that Linux lets the
//! GPU use by default. Jetson: what the kernel has of the memory.
//!
//! After the memory stand NVIDIA's streaming multiprocessors, from its own tables.

use super::cards::{Card, CardClass, Vendor};

macro_rules! capability {
    (unknown) => {
        None
    };
    (($major:literal, $minor:literal)) => {
        Some(($major, $minor))
    };
}

macro_rules! is_estimate {
    (is) => {
        false
    };
    (about) => {
        true
    };
}

macro_rules! multiprocessors {
    () => {
        None
    };
    ($count:literal) => {
        Some($count)
    };
}

macro_rules! cards {
    ($($vendor:ident $class:ident $capability:tt:
        $($name:literal $certainty:ident $mib:literal $(, $multiprocessors:literal)?;)+)+) => {
        /// Every card, grouped by maker, kind and generation, the newer generation first.
        pub static CARDS: &[Card] = &[$($(Card {
            name: $name,
            vendor: Vendor::$vendor,
            class: CardClass::$class,
            total_mib: $mib,
            is_estimate: is_estimate!($certainty),
            compute_capability: capability!($capability),
            multiprocessors: multiprocessors!($($multiprocessors)?),
        },)+)+];
    };
}

cards! {
    Nvidia Desktop (12, 0):
    "GeForce RTX 5090" is 32_607, 170;
    "GeForce RTX 5090 D" is 32_607, 170;
    "GeForce RTX 5090 D V2" is 24_455, 170;
    "GeForce RTX 5080" is 16_303, 84;
    "GeForce RTX 5070 Ti" is 16_303, 70;
    "GeForce RTX 5070" is 12_227, 48;
    "GeForce RTX 5060 Ti 16 GB" is 16_311, 36;
    "GeForce RTX 5060" is 8151, 30;
    "GeForce RTX 5060 Ti 8 GB" is 8151, 36;
    "GeForce RTX 5050" about 8151, 20;

    Nvidia Desktop (8, 9):
    "GeForce RTX 4090" is 24_564, 128;
    "GeForce RTX 4090 D" is 24_564, 114;
    "GeForce RTX 4080" is 16_376, 76;
    "GeForce RTX 4080 SUPER" is 16_376, 80;
    "GeForce RTX 4070 Ti SUPER" is 16_376, 66;
    "GeForce RTX 4070" is 12_282, 46;
    "GeForce RTX 4070 SUPER" is 12_282, 56;
    "GeForce RTX 4070 Ti" is 12_282, 60;
    "GeForce RTX 4060 Ti 16 GB" is 16_380, 34;
    "GeForce RTX 4060" is 8188, 24;
    "GeForce RTX 4060 Ti 8 GB" is 8188, 34;

    Nvidia Desktop (8, 6):
    "GeForce RTX 3090" is 24_576, 82;
    "GeForce RTX 3090 Ti" is 24_564, 84;
    "GeForce RTX 3080 12 GB" is 12_288, 70;
    "GeForce RTX 3080 Ti" is 12_288, 80;
    "GeForce RTX 3080" is 10_240, 68;
    "GeForce RTX 3070" is 8192, 46;
    "GeForce RTX 3070 Ti" is 8192, 48;
    "GeForce RTX 3060 12 GB" is 12_288, 28;
    "GeForce RTX 3060 8 GB" about 8192, 28;
    "GeForce RTX 3060 Ti" is 8192, 38;
    "GeForce RTX 3050 8 GB" is 8192, 20;
    "GeForce RTX 3050 6 GB" about 6144, 18;

    Nvidia Desktop (7, 5):
    "GeForce RTX 2080 Ti" is 11_264, 68;
    "GeForce RTX 2080" about 8192, 46;
    "GeForce RTX 2080 SUPER" about 8192, 48;
    "GeForce RTX 2070" about 8192, 36;
    "GeForce RTX 2070 SUPER" about 8192, 40;
    "GeForce RTX 2060 12 GB" about 12_288, 34;
    "GeForce RTX 2060 SUPER" about 8192, 34;
    "GeForce RTX 2060" about 6144, 30;
    "GeForce GTX 1660" about 6144, 22;
    "GeForce GTX 1660 SUPER" about 6144, 22;
    "GeForce GTX 1660 Ti" about 6144, 24;
    "GeForce GTX 1650" about 4096, 14;
    "GeForce GTX 1650 SUPER" about 4096, 20;
    "TITAN RTX" is 24_576, 72;

    Nvidia Desktop (7, 0):
    "TITAN V" about 12_288, 80;

    Nvidia Desktop (6, 1):
    "GeForce GTX 1080 Ti" is 11_264, 28;
    "GeForce GTX 1080" is 8192, 20;
    "GeForce GTX 1070" is 8192, 15;
    "GeForce GTX 1070 Ti" about 8192, 19;
    "GeForce GTX 1060 6 GB" is 6144, 10;
    "GeForce GTX 1050 Ti" is 4096, 6;
    "TITAN X (Pascal)" about 12_288, 28;
    "TITAN Xp" about 12_288, 30;

    Nvidia Laptop (12, 0):
    "GeForce RTX 5090 Laptop GPU" is 24_463, 82;
    "GeForce RTX 5080 Laptop GPU" is 16_303, 60;
    "GeForce RTX 5070 Ti Laptop GPU" is 12_227, 46;
    "GeForce RTX 5070 Laptop GPU" is 8151, 36;
    "GeForce RTX 5060 Laptop GPU" is 8151, 26;
    "GeForce RTX 5050 Laptop GPU" is 8151, 20;

    Nvidia Laptop (8, 9):
    "GeForce RTX 4090 Laptop GPU" is 16_376, 76;
    "GeForce RTX 4080 Laptop GPU" is 12_282, 58;
    "GeForce RTX 4070 Laptop GPU" is 8188, 36;
    "GeForce RTX 4060 Laptop GPU" is 8188, 24;
    "GeForce RTX 4050 Laptop GPU" is 6141, 20;

    Nvidia Laptop (8, 6):
    "GeForce RTX 3080 Ti Laptop GPU" about 16_384, 58;
    "GeForce RTX 3080 Laptop GPU" about 8192, 48;
    "GeForce RTX 3070 Laptop GPU" about 8192, 40;
    "GeForce RTX 3070 Ti Laptop GPU" about 8192, 46;
    "GeForce RTX 3060 Laptop GPU" about 6144, 30;
    "GeForce RTX 3050 Laptop GPU" about 4096, 16;
    "GeForce RTX 3050 Ti Laptop GPU" about 4096, 20;

    Nvidia Laptop (7, 5):
    "GeForce RTX 2080 Laptop GPU" about 8192, 46;
    "GeForce RTX 2080 SUPER Laptop GPU" about 8192, 48;
    "GeForce RTX 2070 Laptop GPU" about 8192, 36;
    "GeForce RTX 2060 Laptop GPU" about 6144, 30;

    Nvidia Workstation (12, 0):
    "RTX PRO 6000 Blackwell" is 97_887, 188;
    "RTX PRO 6000 Blackwell Max-Q" is 97_887, 188;
    "RTX PRO 5000 72 GB Blackwell" is 73_415, 110;
    "RTX PRO 5000 Blackwell" is 48_935, 110;
    "RTX PRO 4500 Blackwell" is 32_623, 82;
    "RTX PRO 4000 Blackwell" is 24_467, 70;
    "RTX PRO 4000 Blackwell SFF" is 24_467, 70;
    "RTX PRO 2000 Blackwell" is 16_311, 34;

    Nvidia Workstation (8, 9):
    "RTX 6000 Ada" is 49_140, 142;
    "RTX 5000 Ada" is 32_760, 100;
    "RTX 5000 Ada Laptop" is 16_376, 76;
    "RTX 4500 Ada" is 24_570, 60;
    "RTX 4000 Ada" is 20_475, 48;
    "RTX 4000 SFF Ada" is 20_475, 48;
    "RTX 2000 Ada" is 16_380, 22;

    Nvidia Workstation (8, 6):
    "RTX A6000" is 49_140, 84;
    "RTX A5500" is 24_564, 80;
    "RTX A5000" is 24_564, 64;
    "RTX A4500" is 20_470, 56;
    "RTX A4000" is 16_376, 48;
    "RTX A2000 12 GB" is 12_282, 26;
    "RTX A2000" is 6138, 26;

    Nvidia Workstation (7, 5):
    "Quadro RTX 8000" is 49_152, 72;
    "Quadro RTX 6000" is 24_576, 72;
    "Quadro RTX 5000" is 16_384, 48;
    "Quadro RTX 4000" about 8192, 36;

    Nvidia Workstation (7, 0):
    "Quadro GV100" about 32_768, 80;

    Nvidia Workstation (6, 1):
    "Quadro P6000" about 24_576, 30;

    Nvidia DataCenter (12, 0):
    "RTX PRO 6000 Blackwell Server" is 97_887, 188;

    Nvidia DataCenter (10, 3):
    "GB300" is 284_208, 160;
    "B300 SXM" is 275_040, 160;

    Nvidia DataCenter (10, 0):
    "GB200" is 189_471, 152;
    "B200 SXM" is 183_359, 148;

    Nvidia DataCenter (9, 0):
    "H800 SXM5" is 81_559, 132;
    "GH200 144 GB HBM3e" about 146_831, 132;
    "H200 NVL" is 143_771, 132;
    "H200 SXM 141 GB" is 143_771, 132;
    "GH200 96 GB" is 97_871, 132;
    "H100 NVL 94 GB" is 95_830, 132;
    "H100 PCIe 80 GB" is 81_559, 114;
    "H100 SXM5 80 GB" is 81_559, 132;
    "H20" is 97_871, 78;

    Nvidia DataCenter (8, 9):
    "L40" is 46_068, 142;
    "L40S" is 46_068, 142;
    "L20" is 46_068, 92;
    "L4" is 23_034, 60;

    Nvidia DataCenter (8, 6):
    "A40" is 46_068, 84;
    "A16" is 15_356, 10;
    "A10" is 23_028, 72;
    "A10G" is 23_028, 80;
    "A2" is 15_356, 10;

    Nvidia DataCenter (8, 0):
    "A800 SXM4 80 GB" is 81_920, 108;
    "A100 PCIe 80 GB" is 81_920, 108;
    "A100 SXM4 80 GB" is 81_920, 108;
    "A100 PCIe 40 GB" is 40_960, 108;
    "A100 SXM4 40 GB" is 40_960, 108;
    "A30" is 24_576, 56;

    Nvidia DataCenter (7, 5):
    "Tesla T4" is 15_360, 40;

    Nvidia DataCenter (7, 0):
    "Tesla V100 PCIe 32 GB" is 32_768, 80;
    "Tesla V100 SXM2 32 GB" is 32_768, 80;
    "Tesla V100S PCIe 32 GB" about 32_768, 80;
    "Tesla V100 PCIe 16 GB" is 16_384, 80;
    "Tesla V100 SXM2 16 GB" is 16_384, 80;

    Nvidia DataCenter (6, 1):
    "Tesla P40" is 24_576, 30;
    "Tesla P4" is 7680, 20;

    Nvidia DataCenter (6, 0):
    "Tesla P100 PCIe 16 GB" is 16_384, 56;
    "Tesla P100 SXM2" is 16_384, 56;

    Nvidia DataCenter (5, 2):
    "Tesla M40 24 GB" is 23_040, 24;

    Nvidia DataCenter (3, 7):
    "Tesla K80" is 11_441, 13;

    Nvidia Unified (12, 1):
    "GB10 (DGX Spark)" is 124_546, 48;

    Nvidia Unified (11, 0):
    "Jetson AGX Thor T5000" about 125_772, 20;
    "Jetson T4000" about 62_886, 12;

    Nvidia Unified (8, 7):
    "Jetson AGX Orin 64 GB" about 62_841, 16;
    "Jetson AGX Orin 32 GB" about 30_697, 14;
    "Jetson Orin NX 16 GB" about 15_656, 8;
    "Jetson Orin Nano 8 GB" about 7620, 8;
    "Jetson Orin Nano Super 8 GB" about 7620, 8;
    "Jetson Orin NX 8 GB" about 7600, 8;
    "Jetson Orin Nano 4 GB" about 3500, 4;

    Amd Desktop unknown:
    "Radeon RX 9070" is 16_304;
    "Radeon RX 9070 XT" is 16_304;
    "Radeon RX 9070 GRE" is 12_224;
    "Radeon RX 9060 XT 16 GB" is 16_304;
    "Radeon RX 9060 XT 8 GB" is 8144;
    "Radeon RX 7900 XTX" is 24_560;
    "Radeon RX 7900 XT" is 20_464;
    "Radeon RX 7900 GRE" is 16_368;
    "Radeon RX 7800 XT" is 16_368;
    "Radeon RX 7700 XT" is 12_272;
    "Radeon RX 7600 XT" is 16_368;
    "Radeon RX 7600" is 8176;
    "Radeon RX 6950 XT" is 16_368;
    "Radeon RX 6900 XT" is 16_368;
    "Radeon RX 6800" is 16_368;
    "Radeon RX 6800 XT" is 16_368;
    "Radeon RX 6750 XT" is 12_272;
    "Radeon RX 6700 XT" is 12_272;
    "Radeon RX 6700" is 10_224;
    "Radeon RX 6650 XT" is 8176;
    "Radeon RX 6600" is 8176;
    "Radeon RX 6600 XT" is 8176;
    "Radeon VII" is 16_368;

    Amd Laptop unknown:
    "Radeon RX 7900M" is 16_368;

    Amd Workstation unknown:
    "Radeon AI PRO R9700" is 32_624;
    "Radeon PRO W7900" is 46_064;
    "Radeon PRO W7800 32 GB" is 30_704;
    "Radeon PRO W6800" is 32_752;

    Amd DataCenter unknown:
    "Instinct MI350X" is 294_896;
    "Instinct MI355X" is 294_896;
    "Instinct MI325X" is 262_128;
    "Instinct MI300X" is 196_592;
    "Instinct MI300A" is 131_056;
    "Instinct MI210" is 65_520;
    "Instinct MI250 (one die)" is 65_520;
    "Instinct MI250X (one die)" is 65_520;
    "Instinct MI100" is 32_752;
    "Instinct MI50 32 GB" is 32_752;
    "Instinct MI60" is 32_752;
    "Instinct MI50 16 GB" is 16_368;

    Amd Unified unknown:
    "Ryzen AI Max 128 GB (Strix Halo)" about 65_536;
    "Ryzen AI Max 96 GB (Strix Halo)" about 49_152;
    "Ryzen AI Max 64 GB (Strix Halo)" about 32_768;
    "Ryzen AI Max 32 GB (Strix Halo)" about 16_384;

    Intel Desktop unknown:
    "Arc B580" is 12_216;
    "Arc B570" about 10_137;
    "Arc A770" is 16_225;
    "Arc A750" about 8110;
    "Arc A580" about 8110;
    "Arc A380" about 6082;
    "Arc A310" about 4055;

    Intel Workstation unknown:
    "Arc Pro B60" about 24_480;
    "Arc Pro B50" about 16_220;

    Intel DataCenter unknown:
    "Data Center GPU Max 1550" about 129_761;
    "Data Center GPU Max 1100" about 48_660;
    "Data Center GPU Flex 170" about 16_220;

    Apple Unified unknown:
    "M5 Max 36 GB" about 27_648;
    "M5 Max 48 GB" about 36_864;
    "M5 Max 64 GB" about 49_152;
    "M5 Max 128 GB" about 98_304;
    "M5 Pro 24 GB" about 16_384;
    "M5 Pro 48 GB" about 36_864;
    "M5 Pro 64 GB" about 49_152;
    "M5 16 GB" about 10_922;
    "M5 24 GB" about 16_384;
    "M5 32 GB" about 21_845;
    "M4 Max 32-core 36 GB" about 27_648;
    "M4 Max 40-core 48 GB" about 36_864;
    "M4 Max 40-core 64 GB" about 49_152;
    "M4 Max 40-core 128 GB" about 98_304;
    "M4 Pro 24 GB" about 16_384;
    "M4 Pro 48 GB" about 36_864;
    "M4 Pro 64 GB" about 49_152;
    "M4 16 GB" about 10_922;
    "M4 24 GB" about 16_384;
    "M4 32 GB" about 21_845;
    "M3 Ultra 96 GB" about 73_728;
    "M3 Ultra 256 GB" about 196_608;
    "M3 Ultra 512 GB" about 393_216;
    "M3 Max 30-core 36 GB" about 27_648;
    "M3 Max 40-core 48 GB" about 36_864;
    "M3 Max 40-core 64 GB" about 49_152;
    "M3 Max 30-core 96 GB" about 73_728;
    "M3 Max 40-core 128 GB" about 98_304;
    "M3 Pro 18 GB" about 12_288;
    "M3 Pro 36 GB" about 27_648;
    "M3 8 GB" about 5461;
    "M3 16 GB" about 10_922;
    "M3 24 GB" about 16_384;
    "M2 Ultra 64 GB" about 49_152;
    "M2 Ultra 128 GB" about 98_304;
    "M2 Ultra 192 GB" about 147_456;
    "M2 Max 32 GB" about 21_845;
    "M2 Max 64 GB" about 49_152;
    "M2 Max 96 GB" about 73_728;
    "M2 Pro 16 GB" about 10_922;
    "M2 Pro 32 GB" about 21_845;
    "M2 8 GB" about 5461;
    "M2 16 GB" about 10_922;
    "M2 24 GB" about 16_384;
    "M1 Ultra 64 GB" about 49_152;
    "M1 Ultra 128 GB" about 98_304;
    "M1 Max 32 GB" about 21_845;
    "M1 Max 64 GB" about 49_152;
    "M1 Pro 16 GB" about 10_922;
    "M1 Pro 32 GB" about 21_845;
    "M1 8 GB" about 5461;
    "M1 16 GB" about 10_922;
}
