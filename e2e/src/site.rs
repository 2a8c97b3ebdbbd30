//! A web server of the test's own: the application to which a sign-in returns, or the page that a
//! browser is to open.

use std::sync::{Arc, Mutex};

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;

/// What a page is answered with: header lines beside the length and the type, and the HTML.
type Html = (String, String);

/// A running site on loopback. It ends with this value.
#[derive(Debug)]
pub struct Site {
    url: String,
    seen: Arc<Mutex<Vec<String>>>,
    task: JoinHandle<()>,
}

impl Site {
    /// An application that says thank you, whatever it is asked.
    pub async fn application() -> Self {
        let page = "<!doctype html><html lang=en><title>The application</title>\
                    <link rel=icon href='data:,'><main><h1>Welcome back</h1></main></html>";
        Self::serve(move |_| (String::new(), page.to_owned())).await
    }

    /// A site that answers each target (path and query) with a page.
    pub async fn serve(page: impl Fn(&str) -> Html + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let seen = Arc::new(Mutex::new(Vec::new()));
        let page = Arc::new(page);
        let log = Arc::clone(&seen);
        let task = tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let (page, log) = (Arc::clone(&page), Arc::clone(&log));
                tokio::spawn(async move {
                    let _ = answer(stream, &*page, &log).await;
                });
            }
        });
        Self { url, seen, task }
    }

    /// The site's URL, without a slash at its end.
    pub fn url(&self) -> &str {
        &self.url
    }

    /// The requests so far, as `METHOD target`.
    pub fn seen(&self) -> Vec<String> {
        self.seen.lock().unwrap().clone()
    }
}

impl Drop for Site {
    fn drop(&mut self) {
        self.task.abort();
    }
}

/// Answers one request and closes; a body is not waited for.
async fn answer(
    mut stream: TcpStream,
    page: &(impl Fn(&str) -> Html + ?Sized),
    log: &Mutex<Vec<String>>,
) -> std::io::Result<()> {
    let mut head = Vec::new();
    while !head.windows(4).any(|bytes| bytes == b"\r\n\r\n") {
        let mut bytes = [0; 4096];
        let read = stream.read(&mut bytes).await?;
        if read == 0 {
            return Ok(()); // browsers open connections that they do not use
        }
        head.extend_from_slice(&bytes[..read]);
    }
    let head = String::from_utf8_lossy(&head);
    let mut words = head.split(' ');
    let (method, target) = (words.next().unwrap_or(""), words.next().unwrap_or(""));
    log.lock().unwrap().push(format!("{method} {target}"));
    let (headers, body) = page(target);
    let length = body.len();
    let answer = format!(
        "HTTP/1.1 200 OK\r\ncontent-type: text/html; charset=utf-8\r\ncontent-length: {length}\r\n\
         connection: close\r\n{headers}\r\n{body}"
    );
    stream.write_all(answer.as_bytes()).await?;
    stream.shutdown().await
}
