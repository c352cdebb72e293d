//! The page: starts in the browser, mounts the view.

fn main() {
    app::browser::start_after_paint();
}
