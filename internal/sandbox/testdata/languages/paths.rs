// Paths writes files by relative and absolute paths, and copies standard input.
//
//     rustc --target wasm32-wasi -O -C strip=symbols -C panic=abort -C lto -o paths_rust.wasm paths.rs
use std::{fs, io};

fn main() -> io::Result<()> {
    fs::create_dir("made")?;
    fs::write("relative", "relative\n")?;
    fs::write("./made/below", "below\n")?;
    fs::write("made/after", "after\n")?;
    fs::write("/out/absolute", "absolute\n")?;
    fs::rename("relative", "/out/renamed")?;
    io::copy(&mut io::stdin(), &mut io::stdout())?;
    Ok(())
}
