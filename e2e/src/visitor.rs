//! A person without a browser: follows redirects, keeps cookies, fills in forms.

use reqwest::header::{COOKIE, HeaderMap, LOCATION, SET_COOKIE};
use reqwest::{Method, Url};

/// A cookie jar and the way from page to page. Cookies are kept by name, host and path; like a
/// browser's, they do not know ports.
#[derive(Debug)]
pub struct Visitor {
    client: reqwest::Client,
    cookies: Vec<Cookie>,
    /// URLs that are not asked for: the visit ends in front of them.
    ends: Vec<String>,
}

#[derive(Debug)]
struct Cookie {
    host: String,
    path: String,
    name: String,
    value: String,
}

/// Where a visit has come.
#[derive(Debug)]
pub struct Page {
    /// The URL, with the fragment.
    pub url: String,
    /// The status; 0 where the visit ended in front of the page.
    pub status: u16,
    /// The headers.
    pub headers: HeaderMap,
    /// The body.
    pub text: String,
    /// The values of `Location` on the way here, in order.
    pub way: Vec<String>,
}

/// A form of a page.
#[derive(Debug, Clone)]
pub struct Form {
    method: Method,
    action: String,
    fields: Vec<(String, String)>,
}

impl Form {
    /// What a field holds.
    pub fn value(&self, name: &str) -> Option<&str> {
        let found = self.fields.iter().find(|(known, _)| known == name);
        found.map(|(_, value)| value.as_str())
    }
}

impl Page {
    /// The first form on the page.
    pub fn form(&self) -> Option<Form> {
        self.forms().next()
    }

    /// The first form on the page that is sent to this path.
    pub fn form_to(&self, action: &str) -> Option<Form> {
        self.forms().find(|form| form.action == action)
    }

    fn forms(&self) -> impl Iterator<Item = Form> {
        let parts = self.text.split("<form").skip(1);
        parts.filter_map(Self::read_form)
    }

    fn read_form(form: &str) -> Option<Form> {
        let form = &form[..form.find("</form").unwrap_or(form.len())];
        let head = &form[..form.find('>')?];
        let post = attribute(head, "method").is_some_and(|it| it.eq_ignore_ascii_case("post"));
        let field = |input: &str| {
            let tag = &input[..input.find('>')?];
            let kind = attribute(tag, "type").unwrap_or_default();
            let unchecked = matches!(&*kind, "checkbox" | "radio") && !tag.contains("checked");
            let name = attribute(tag, "name").filter(|_| !unchecked)?;
            Some((name, attribute(tag, "value").unwrap_or_default()))
        };
        Some(Form {
            method: if post { Method::POST } else { Method::GET },
            action: attribute(head, "action").unwrap_or_default(),
            fields: form.split("<input").skip(1).filter_map(field).collect(),
        })
    }

    /// A parameter in the fragment of the URL, or in its query.
    pub fn parameter(&self, name: &str) -> Option<String> {
        let url: Url = self.url.parse().unwrap();
        let texts = [url.fragment(), url.query()].into_iter().flatten();
        let mut pairs = texts.flat_map(|text| {
            let parsed = Url::parse(&format!("http://x/?{text}")).unwrap();
            let pairs = parsed.query_pairs().into_owned();
            pairs.collect::<Vec<_>>()
        });
        pairs
            .find(|(known, _)| known == name)
            .map(|(_, value)| value)
    }
}

impl Visitor {
    /// A person who has been nowhere, and whose way ends in front of URLs that begin so.
    pub fn new(ends: &[&str]) -> Self {
        let client = reqwest::Client::builder()
            .redirect(reqwest::redirect::Policy::none())
            .no_proxy()
            .build()
            .unwrap();
        Self {
            client,
            cookies: Vec::new(),
            ends: ends.iter().map(|end| (*end).to_owned()).collect(),
        }
    }

    /// The cookie that a URL would be sent under this name.
    pub fn cookie(&self, url: &str, name: &str) -> Option<&str> {
        let url: Url = url.parse().unwrap();
        let mut cookies = self.cookies.iter();
        let found = cookies.find(|cookie| cookie.name == name && cookie.fits(&url));
        found.map(|cookie| cookie.value.as_str())
    }

    /// Opens a URL and follows it to its end.
    pub async fn open(&mut self, url: &str) -> Page {
        self.go(Method::GET, url.parse().unwrap(), None).await
    }

    /// Sends the first form of a page, with these fields in place of or beside its own.
    pub async fn submit(&mut self, page: &Page, fields: &[(&str, &str)]) -> Page {
        let form = page.form();
        let form = form.unwrap_or_else(|| panic!("no form at {}: {}", page.url, page.text));
        self.send(page, form, fields).await
    }

    /// Sends a form of a page, with these fields in place of or beside its own.
    pub async fn send(&mut self, page: &Page, form: Form, fields: &[(&str, &str)]) -> Page {
        let mut sent = form.fields;
        for (name, value) in fields {
            sent.retain(|(known, _)| known != name);
            sent.push(((*name).to_owned(), (*value).to_owned()));
        }
        let base: Url = page.url.parse().unwrap();
        let mut target = base.join(&form.action).unwrap();
        let encoded = {
            let mut target = target.clone();
            target.query_pairs_mut().clear().extend_pairs(&sent);
            target.query().unwrap_or_default().to_owned()
        };
        if form.method == Method::POST {
            self.go(Method::POST, target, Some(encoded)).await
        } else {
            target.set_query(Some(&encoded));
            self.go(Method::GET, target, None).await
        }
    }

    async fn go(&mut self, method: Method, url: Url, form: Option<String>) -> Page {
        let (mut method, mut url, mut form) = (method, url, form);
        let mut way = Vec::new();
        for _ in 0..20 {
            if self.ends.iter().any(|end| url.as_str().starts_with(end)) {
                return Page {
                    url: url.to_string(),
                    status: 0,
                    headers: HeaderMap::new(),
                    text: String::new(),
                    way,
                };
            }
            let mut request = self.client.request(method.clone(), url.clone());
            let cookies = self.cookies.iter().filter(|cookie| cookie.fits(&url));
            let cookies: Vec<_> = cookies
                .map(|it| format!("{}={}", it.name, it.value))
                .collect();
            if !cookies.is_empty() {
                request = request.header(COOKIE, cookies.join("; "));
            }
            if let Some(form) = &form {
                let origin = url.origin().ascii_serialization();
                request = request
                    .header("content-type", "application/x-www-form-urlencoded")
                    .header("origin", origin)
                    .body(form.clone());
            }
            let response = request.send().await.unwrap();
            let (status, headers) = (response.status().as_u16(), response.headers().clone());
            self.keep(&url, &headers);
            let location = headers.get(LOCATION).map(|value| value.to_str().unwrap());
            match location {
                Some(location) if (300..400).contains(&status) => {
                    way.push(location.to_owned());
                    url = url.join(location).unwrap();
                    if !matches!(status, 307 | 308) {
                        (method, form) = (Method::GET, None);
                    }
                }
                _ => {
                    let text = response.text().await.unwrap();
                    return Page {
                        url: url.to_string(),
                        status,
                        headers,
                        text,
                        way,
                    };
                }
            }
        }
        panic!("redirected without end, at {url}")
    }

    fn keep(&mut self, url: &Url, headers: &HeaderMap) {
        for line in headers.get_all(SET_COOKIE) {
            let mut parts = line.to_str().unwrap().split(';').map(str::trim);
            let (name, value) = parts.next().unwrap().split_once('=').unwrap();
            let mut path = url
                .path()
                .rsplit_once('/')
                .map_or("/", |(path, _)| path)
                .to_owned();
            let mut gone = value.is_empty();
            for part in parts {
                let (key, text) = part.split_once('=').unwrap_or((part, ""));
                match &*key.to_ascii_lowercase() {
                    "path" => text.clone_into(&mut path),
                    "max-age" => gone |= text.starts_with(['0', '-']),
                    "expires" => gone |= text.contains(" 1970 "),
                    _ => {}
                }
            }
            let host = url.host_str().unwrap().to_owned();
            let same = |it: &Cookie| it.name == name && it.host == host && it.path == path;
            self.cookies.retain(|cookie| !same(cookie));
            if !gone {
                let (name, value) = (name.to_owned(), value.to_owned());
                self.cookies.push(Cookie {
                    host,
                    path,
                    name,
                    value,
                });
            }
        }
    }
}

impl Cookie {
    /// Whether the URL is sent it (RFC 6265, 5.1.4).
    fn fits(&self, url: &Url) -> bool {
        let rest = url.path().strip_prefix(self.path.trim_end_matches('/'));
        url.host_str() == Some(&self.host)
            && rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
    }
}

/// The value of an attribute of a tag, its entities read.
fn attribute(tag: &str, name: &str) -> Option<String> {
    for quote in ['"', '\''] {
        for before in [' ', '\n', '\t'] {
            if let Some((_, rest)) = tag.split_once(&format!("{before}{name}={quote}")) {
                let (value, _) = rest.split_once(quote)?;
                let entities = [
                    ("&#x3D;", "="),
                    ("&#61;", "="),
                    ("&#x2F;", "/"),
                    ("&#39;", "'"),
                    ("&quot;", "\""),
                    ("&lt;", "<"),
                    ("&gt;", ">"),
                    ("&amp;", "&"),
                ];
                let read = |text: String, (from, to): &(&str, &str)| text.replace(from, to);
                return Some(entities.iter().fold(value.to_owned(), read));
            }
        }
    }
    None
}
