//! Whether a port is free, and who holds it.

use std::io::ErrorKind;
use std::net::{Ipv4Addr, TcpListener};

use crate::failure::Failure;
#[cfg(not(target_os = "linux"))]
use crate::process::{self, Task};

/// Fails where another program listens on the port of this machine.
pub(crate) fn require_free(port: u16) -> Result<(), Failure> {
    let Err(error) = TcpListener::bind((Ipv4Addr::LOCALHOST, port)) else {
        return Ok(());
    };
    match error.kind() {
        ErrorKind::AddrInUse => {
            let holder = holder(port).unwrap_or_else(|| "another program".to_owned());
            Err(Failure::new(
                format!("port {port} of this machine is taken by {holder}"),
                format!(
                    "stop that program, or take another port: `--port {}`",
                    next(port)
                ),
            ))
        }
        ErrorKind::PermissionDenied => Err(Failure::new(
            format!("this account may not listen on port {port}"),
            "take a port from 1024 up: `--port 7650`",
        )),
        _ => Err(Failure::new(
            format!("cannot listen on port {port}: {error}"),
            "check that the loopback interface is up",
        )),
    }
}

fn next(port: u16) -> u16 {
    port.checked_add(1).unwrap_or(7650)
}

/// The program that listens there, as far as this account may see it.
#[cfg(target_os = "linux")]
fn holder(port: u16) -> Option<String> {
    use std::fs;

    let table = fs::read_to_string("/proc/net/tcp").ok()?;
    let inode = listening_inode(&table, port)?;
    let link = format!("socket:[{inode}]");
    for process in fs::read_dir("/proc").ok()?.flatten() {
        let id = process.file_name().to_string_lossy().into_owned();
        // The folder also has entries that are no processes, and links such as `self`.
        if !id.bytes().all(|byte| byte.is_ascii_digit()) {
            continue;
        }
        let Ok(files) = fs::read_dir(process.path().join("fd")) else {
            continue;
        };
        let holds = |file: &fs::DirEntry| {
            fs::read_link(file.path()).is_ok_and(|target| target.as_os_str() == link.as_str())
        };
        if files.flatten().any(|file| holds(&file)) {
            let name = fs::read_to_string(process.path().join("comm")).ok()?;
            return Some(format!("`{}` (process {id})", name.trim()));
        }
    }
    None
}

/// The inode of the socket that listens, from the kernel's table: address and port in column 2,
/// state in column 4 (`0A` listens), inode in column 10.
#[cfg(any(target_os = "linux", test))]
fn listening_inode(table: &str, port: u16) -> Option<&str> {
    table.lines().skip(1).find_map(|line| {
        let columns: Vec<&str> = line.split_whitespace().collect();
        let (_, local_port) = columns.get(1)?.split_once(':')?;
        let listens =
            u16::from_str_radix(local_port, 16) == Ok(port) && columns.get(3) == Some(&"0A");
        listens.then(|| columns.get(9).copied()).flatten()
    })
}

#[cfg(not(target_os = "linux"))]
fn holder(port: u16) -> Option<String> {
    process::find("lsof")?;
    let id = Task::new("lsof")
        .args(["-t", "-n", "-P", &format!("-iTCP:{port}"), "-sTCP:LISTEN"])
        .read()
        .ok()?;
    Some(format!("process {}", id.lines().next()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_taken_port_names_a_way_out() {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let port = listener.local_addr().unwrap().port();
        let failure = require_free(port).unwrap_err().to_string();
        assert!(
            failure.contains(&format!("port {port} of this machine is taken by")),
            "{failure}"
        );
        assert!(failure.contains("--port"), "{failure}");
        #[cfg(target_os = "linux")]
        assert!(
            failure.contains(&std::process::id().to_string()),
            "{failure}"
        );
    }

    #[test]
    fn the_kernels_table_is_read() {
        let table = "  sl  local_address rem_address st\n\
            0: 0100007F:1DE2 00000000:0000 01 0:0 00:0 0 0 0 7 1\n\
            1: 0100007F:1DE2 00000000:0000 0A 0:0 00:0 0 0 0 42 1\n";
        assert_eq!(listening_inode(table, 7650), Some("42"));
        assert_eq!(listening_inode(table, 7651), None);
    }
}
