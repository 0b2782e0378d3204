//! A web server for the tests: nginx, which serves a folder.

use crate::common::{command, run};
use crate::hosting::Served;
use std::path::Path;
use tempfile::TempDir;

/// A running nginx. It ends with this value.
#[derive(Debug)]
pub struct Page {
    home: TempDir,
    port: u16,
    _served: Served,
}

impl Page {
    /// Serves `root` on a port of this machine. `more` goes into the server's block.
    #[track_caller]
    pub fn serve(root: &Path, more: &str) -> Self {
        let home = tempfile::Builder::new()
            .prefix("web")
            .tempdir_in("/tmp")
            .unwrap();
        let dir = home.path();
        let make = |port: u16| {
            std::fs::write(dir.join("nginx.conf"), settings(dir, root, port, more)).unwrap();
            let mut nginx = command("/usr/sbin/nginx", dir);
            nginx
                .arg("-p")
                .arg(dir)
                .arg("-e")
                .arg(dir.join("error.log"));
            nginx.arg("-c").arg(dir.join("nginx.conf"));
            nginx
        };
        let (served, port) = Served::on_port(make, &dir.join("error.log"));
        Self {
            home,
            port,
            _served: served,
        }
    }

    /// The address of a page.
    pub fn url(&self, path: &str) -> String {
        format!("http://127.0.0.1:{}/{path}", self.port)
    }

    /// The requests that were answered, one to a line.
    pub fn requests(&self) -> Vec<String> {
        let log = std::fs::read_to_string(self.home.path().join("access.log"));
        log.unwrap_or_default().lines().map(str::to_owned).collect()
    }
}

/// Where nginx keeps what it is about to send or to take: all of it below `dir`.
pub fn scratch(dir: &Path) -> String {
    let dir = dir.display();
    ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"]
        .iter()
        .map(|name| format!("    {name}_temp_path {dir}/{name};\n"))
        .collect()
}

fn settings(dir: &Path, root: &Path, port: u16, more: &str) -> String {
    let account = run(command("id", Path::new("/")).arg("-un")).text();
    let scratch = scratch(dir);
    let (dir, root) = (dir.display(), root.display());
    format!(
        "daemon off;\nuser {account};\nworker_processes 1;\npid {dir}/pid;\n\
         error_log {dir}/error.log info;\nevents {{}}\nhttp {{\n    access_log {dir}/access.log;\n\
         {scratch}    server {{\n        listen 127.0.0.1:{port};\n        root {root};\n        \
         {more}\n    }}\n}}\n"
    )
}
