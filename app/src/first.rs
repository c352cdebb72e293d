//! What the page opens with: starts in the browser, mounts the view.

fn main() {
    app::browser::start_after_paint();
}
