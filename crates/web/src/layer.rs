//! Draws the problems of pages, and sends people who are not signed in to where they can.

use std::convert::Infallible;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use askama::Template as _;
use axum::extract::Request;
use axum::response::{IntoResponse, Response};
use http::header::{
    CONTENT_LENGTH, CONTENT_SECURITY_POLICY, CONTENT_TYPE, LOCATION, SET_COOKIE, VARY,
    WWW_AUTHENTICATE,
};
use http::{HeaderValue, Method, StatusCode, Uri};
use pin_project_lite::pin_project;
use tower::Service;
use vestibule_handler::wants_page;
use vestibule_http::problem::keep_headers;
use vestibule_http::{ErrorFormat, PageProblem};

use crate::look::Look;
use crate::notice;
use crate::problem::ProblemPage;
use crate::respond::html_answer;
use crate::return_to;

/// The service that draws.
#[derive(Clone, Debug)]
pub struct DrawProblems<S> {
    inner: S,
    look: Look,
}

/// Puts it round a service: the problems of its pages become pages, and whoever opens one without
/// being signed in is sent to the sign-in, with the way back. It also opens the first page to
/// browsers that come to `/`, and speaks to people, not programs, where a sign-in through a
/// provider ends badly in their browser.
pub fn draw_problems<S>(inner: S, look: Look) -> DrawProblems<S> {
    DrawProblems { inner, look }
}

impl<S> Service<Request> for DrawProblems<S>
where
    S: Service<Request, Response = Response, Error = Infallible>,
{
    type Response = Response;
    type Error = Infallible;
    type Future = Drawing<S::Future>;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        self.inner.poll_ready(context)
    }

    fn call(&mut self, request: Request) -> Self::Future {
        Drawing {
            asked: Asked {
                uri: request.uri().clone(),
                is_get: matches!(*request.method(), Method::GET | Method::HEAD),
                is_person: wants_page(request.headers()),
                has_notice: notice::is_there(request.headers()),
            },
            look: self.look.clone(),
            future: self.inner.call(request),
        }
    }
}

/// The parts of a request that are needed to draw a problem.
#[derive(Debug)]
struct Asked {
    uri: Uri,
    is_get: bool,
    is_person: bool,
    /// Set if the request brings a notice, which the next page shows.
    has_notice: bool,
}

impl Asked {
    /// Returns true if a problem in this format is drawn as a page.
    fn is_drawn(&self, format: ErrorFormat) -> bool {
        let path = self.uri.path();
        let below = |prefix: &str| path.starts_with(prefix);
        match format {
            ErrorFormat::Page => true,
            // The parts of a sign-in through a provider that a browser goes to by itself.
            _ if below("/v1/auth/sso/") => self.is_person && self.is_get,
            _ => self.is_person && self.is_get && !below("/v1/") && !below("/api/"),
        }
    }
}

fn is_page(response: &Response) -> bool {
    let kind = response.headers().get(CONTENT_TYPE);
    kind.is_some_and(|kind| kind.as_bytes().starts_with(b"text/html"))
}

pin_project! {
    /// An answer that may be drawn.
    #[derive(Debug)]
    pub struct Drawing<F> {
        #[pin]
        future: F,
        asked: Asked,
        look: Look,
    }
}

impl<F: Future<Output = Result<Response, Infallible>>> Future for Drawing<F> {
    type Output = Result<Response, Infallible>;

    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        let this = self.project();
        let Ok(mut response) = ready!(this.future.poll(context));
        let asked = &*this.asked;
        // Removed, so that a second layer of this kind further out leaves the page as it is.
        if let Some(found) = response.extensions_mut().remove::<PageProblem>()
            && asked.is_drawn(found.format)
        {
            response = drawn(response, &found, asked, this.look);
        }
        // A redirect or a file does not show the notice, so that the browser keeps it for the page after.
        if asked.has_notice && is_page(&response) {
            response
                .headers_mut()
                .extend(notice::told().map(|told| (SET_COOKIE, told)));
        }
        if asked.uri.path() == "/" && asked.is_get && response.status() == StatusCode::OK {
            let headers = response.headers_mut();
            // Programs get JSON under this URL: a cache in between must not give one the other's answer.
            headers.insert(VARY, HeaderValue::from_static("accept"));
            if asked.is_person {
                return Poll::Ready(Ok(redirected(&response, HeaderValue::from_static(FIRST))));
            }
        }
        Poll::Ready(Ok(response))
    }
}

/// The page to begin with.
const FIRST: &str = "/organization";

fn drawn(response: Response, found: &PageProblem, asked: &Asked, look: &Look) -> Response {
    let is_page = found.format == ErrorFormat::Page;
    let status = response.status();
    // The body of a form is lost on the way to the sign-in, so that only a GET can come back.
    if status == StatusCode::UNAUTHORIZED && asked.is_get && is_page {
        return redirected(&response, sign_in(&asked.uri, found.problem.reason()));
    }
    let is_sign_in = asked.uri.path().starts_with("/v1/");
    // No page has this address. What a program would need to know more is of no use to a person.
    let is_nowhere = !is_page && !is_sign_in && status.is_client_error();
    let (status, template) = if is_nowhere {
        let status = match status {
            // Signing in would not help: nothing is there for anybody.
            StatusCode::UNAUTHORIZED => StatusCode::NOT_FOUND,
            other => other,
        };
        (status, ProblemPage::nowhere(look.clone(), found))
    } else {
        let path = asked.uri.path();
        let again = asked.uri.path_and_query().filter(|_| asked.is_get);
        let again = again.and_then(|target| return_to::local(target.as_str()));
        let template = ProblemPage::new(look.clone(), found, response.headers(), path, again);
        (status, template)
    };
    // What programs would have got says the same, and is better than an empty page.
    let Ok(html) = template.render() else {
        return response;
    };
    let mut page = html_answer(status, html);
    keep(&mut page, &response);
    // The challenge came with the 401 that this status replaces.
    if status == StatusCode::NOT_FOUND {
        page.headers_mut().remove(WWW_AUTHENTICATE);
    }
    page
}

/// The sign-in, with the way back to what was asked for.
fn sign_in(uri: &Uri, reason: &str) -> HeaderValue {
    let back = uri.path_and_query().map(http::uri::PathAndQuery::as_str);
    let back = back
        .and_then(return_to::local)
        .filter(|path| *path != FIRST);
    let mut query = form_urlencoded::Serializer::new(String::new());
    if let Some(back) = back {
        query.append_pair("return_to", back);
    }
    // A visitor without a session has lost none, and is not told of an end.
    if reason != "no_credential" {
        query.append_pair("ended", "1");
    }
    let query = query.finish();
    let path = if query.is_empty() {
        "/sign-in".to_owned()
    } else {
        format!("/sign-in?{query}")
    };
    HeaderValue::from_str(&path).unwrap_or(HeaderValue::from_static("/sign-in"))
}

fn redirected(response: &Response, location: HeaderValue) -> Response {
    let mut answer = StatusCode::SEE_OTHER.into_response();
    answer.headers_mut().insert(LOCATION, location);
    keep(&mut answer, response);
    answer
}

/// Everything that the answer said beside its body stays.
fn keep(answer: &mut Response, response: &Response) {
    let of_the_body = [CONTENT_TYPE, CONTENT_LENGTH, CONTENT_SECURITY_POLICY];
    keep_headers(answer, response.headers(), &of_the_body);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_way_back_is_a_path_of_ours_or_none() {
        let of = |uri: &str, reason| sign_in(&uri.parse().unwrap(), reason);
        assert_eq!(
            of("/account/keys?x=1", "no_credential"),
            "/sign-in?return_to=%2Faccount%2Fkeys%3Fx%3D1"
        );
        assert_eq!(of("/organization", "no_credential"), "/sign-in");
        assert_eq!(of("/a//b", "credential_revoked"), "/sign-in?ended=1");
    }

    #[test]
    fn a_drawn_answer_keeps_every_header_of_the_same_name_and_its_own() {
        let of = |headers: &[(http::HeaderName, &'static str)]| {
            let mut response = Response::default();
            for (name, value) in headers {
                let value = HeaderValue::from_static(value);
                response.headers_mut().append(name, value);
            }
            response
        };
        let response = of(&[
            (SET_COOKIE, "a=1"),
            (CONTENT_TYPE, "application/problem+json"),
            (VARY, "cookie"),
            (SET_COOKIE, "b=2"),
        ]);
        let mut answer = of(&[(VARY, "accept")]);
        keep(&mut answer, &response);
        let all = |name| answer.headers().get_all(name).iter().collect::<Vec<_>>();
        assert_eq!(all(SET_COOKIE), ["a=1", "b=2"]);
        assert_eq!(all(VARY), ["accept"]);
        assert!(all(CONTENT_TYPE).is_empty());
    }

    #[test]
    fn programs_get_what_programs_read() {
        let asked = |path: &'static str, is_person| Asked {
            uri: Uri::from_static(path),
            is_get: true,
            is_person,
            has_notice: false,
        };
        assert!(!asked("/v1/documents", true).is_drawn(ErrorFormat::ProblemJson));
        assert!(!asked("/api/auth/session", true).is_drawn(ErrorFormat::ErrorJson));
        assert!(asked("/v1/auth/sso/callback/x", true).is_drawn(ErrorFormat::ProblemJson));
        assert!(!asked("/v1/auth/sso/callback/x", false).is_drawn(ErrorFormat::ProblemJson));
        assert!(asked("/nowhere", true).is_drawn(ErrorFormat::ProblemJson));
        assert!(!asked("/nowhere", false).is_drawn(ErrorFormat::ProblemJson));
        assert!(asked("/account", false).is_drawn(ErrorFormat::Page));
    }
}
