//! nginx in front of a server, which keeps connections to it open.

use std::net::TcpListener;
use std::process::Stdio;
use std::time::Duration;

use tempfile::TempDir;
use tokio::net::TcpStream;
use tokio::process::{Child, Command};

/// A running nginx. It ends with this value.
#[derive(Debug)]
pub struct Nginx {
    url: String,
    process: Child,
    folder: TempDir,
}

impl Nginx {
    /// Starts an nginx that forwards everything to a server's URL over at most `connections`
    /// connections, and keeps those open that are idle, all else as it does by default.
    ///
    /// # Panics
    /// Where nginx is missing.
    pub async fn start(server: &str, connections: usize) -> Self {
        let port = TcpListener::bind("127.0.0.1:0")
            .and_then(|listener| listener.local_addr())
            .unwrap()
            .port();
        let folder = TempDir::with_prefix("vestibule-nginx-").unwrap();
        let server = server.trim_start_matches("http://");
        // One process without a change of user; every file below the folder.
        let text = format!(
            "daemon off; master_process off; pid nginx.pid; error_log error.log;\n\
             events {{}}\n\
             http {{\n\
               access_log off;\n\
               client_body_temp_path body; proxy_temp_path proxy; fastcgi_temp_path fastcgi;\n\
               uwsgi_temp_path uwsgi; scgi_temp_path scgi;\n\
               upstream server {{ server {server}; keepalive {connections}; }}\n\
               server {{\n\
                 listen 127.0.0.1:{port};\n\
                 location / {{\n\
                   proxy_pass http://server;\n\
                   proxy_http_version 1.1;\n\
                   proxy_set_header Connection \"\";\n\
                 }}\n\
               }}\n\
             }}\n"
        );
        std::fs::write(folder.path().join("nginx.conf"), text).unwrap();
        let process = Command::new("/usr/sbin/nginx")
            .arg("-p")
            .arg(folder.path())
            .args(["-c", "nginx.conf", "-e", "error.log"])
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .kill_on_drop(true)
            .spawn()
            .unwrap_or_else(|error| {
                panic!("nginx: {error}; run `cargo xtask install` as root on a Debian")
            });
        let mut nginx = Self {
            url: format!("http://127.0.0.1:{port}"),
            process,
            folder,
        };
        while TcpStream::connect(("127.0.0.1", port)).await.is_err() {
            let ended = nginx.process.try_wait().unwrap();
            assert!(ended.is_none(), "nginx has ended: {}", nginx.log());
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        nginx
    }

    /// Its URL, without a slash at its end.
    pub fn url(&self) -> &str {
        &self.url
    }

    /// Returns the error log.
    pub fn log(&self) -> String {
        std::fs::read_to_string(self.folder.path().join("error.log")).unwrap_or_default()
    }
}
