//! The host's own memory, which the GPU shares on GB10 and Jetson.

/// Bytes of the host's memory.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct HostMemory {
    /// In all.
    pub(crate) total: u64,
    /// Obtainable without swapping, as the kernel estimates it.
    pub(crate) available: u64,
}

/// The memory of this host, where the system tells.
#[cfg(target_os = "linux")]
pub(crate) fn read() -> Option<HostMemory> {
    parse(&std::fs::read_to_string("/proc/meminfo").ok()?)
}

/// The memory of this host, where the system tells: boards with shared memory run Linux.
#[cfg(not(target_os = "linux"))]
pub(crate) fn read() -> Option<HostMemory> {
    None
}

#[cfg(any(target_os = "linux", test))]
fn parse(meminfo: &str) -> Option<HostMemory> {
    let bytes_of = |key: &str| {
        let line = meminfo.lines().find_map(|line| line.strip_prefix(key))?;
        let kibibytes = line.trim().strip_suffix("kB")?.trim().parse::<u64>().ok()?;
        kibibytes.checked_mul(1024)
    };
    Some(HostMemory {
        total: bytes_of("MemTotal:")?,
        available: bytes_of("MemAvailable:")?,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_the_two_lines_that_matter() {
        let meminfo =
            "MemTotal:       129735232 kB\nMemFree:  5 kB\nMemAvailable:   121000000 kB\n";
        assert_eq!(
            parse(meminfo),
            Some(HostMemory {
                total: 129_735_232 * 1024,
                available: 121_000_000 * 1024,
            })
        );
    }

    #[test]
    fn tells_nothing_rather_than_half() {
        for meminfo in [
            "",
            "MemTotal: 10 kB",
            "MemTotal: x kB\nMemAvailable: 1 kB",
            "MemTotal: 99999999999999999 kB\nMemAvailable: 1 kB",
        ] {
            assert_eq!(parse(meminfo), None);
        }
    }
}
