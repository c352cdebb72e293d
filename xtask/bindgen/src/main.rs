//! `page-bindgen INPUT.wasm FOLDER NAME [--names]`: writes `NAME.js` and `NAME_bg.wasm` into the
//! folder.

use std::env;
use std::process::ExitCode;

use wasm_bindgen_cli_support::Bindgen;

fn main() -> ExitCode {
    let arguments: Vec<String> = env::args().skip(1).collect();
    let (input, folder, name, names) = match arguments.as_slice() {
        [input, folder, name] => (input, folder, name, false),
        [input, folder, name, flag] if flag == "--names" => (input, folder, name, true),
        _ => {
            eprintln!("usage: page-bindgen INPUT.wasm FOLDER NAME [--names]");
            return ExitCode::from(2);
        }
    };
    let mut bindgen = Bindgen::new();
    let result = bindgen.web(true).and_then(|bindgen| {
        bindgen
            .input_path(input)
            .out_name(name)
            .typescript(false)
            .remove_name_section(!names)
            .remove_producers_section(true)
            .generate(folder)
    });
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}
