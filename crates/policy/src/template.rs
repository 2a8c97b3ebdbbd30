//! Path templates: of routes, and of the resources they are about.

use std::borrow::Cow;

use arrayvec::ArrayVec;
use vestibule_model::ResourcePath;

use crate::Params;
use crate::target::{decoded_digits, is_unreserved};

/// One segment of a template.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Segment<'t> {
    Literal(&'t str),
    /// `{name}`: one segment.
    One(&'t str),
    /// `{*name}`: all that is left.
    Rest(&'t str),
}

impl<'t> Segment<'t> {
    /// The name of the parameter, where it is one.
    pub(crate) fn parameter(self) -> Option<&'t str> {
        match self {
            Self::Literal(_) => None,
            Self::One(name) | Self::Rest(name) => Some(name),
        }
    }

    fn read(text: &'t str) -> Result<Self, &'static str> {
        let Some(inner) = text.strip_prefix('{') else {
            return if text.bytes().all(is_unreserved) {
                Ok(Self::Literal(text))
            } else {
                Err(
                    "what is literal must be letters, digits, '-', '.', '_' or '~', \
                     and a parameter must be a whole segment",
                )
            };
        };
        let inner = inner
            .strip_suffix('}')
            .ok_or("a parameter must be a whole segment")?;
        let (name, segment) = match inner.strip_prefix('*') {
            Some(name) => (name, Self::Rest(name)),
            None => (inner, Self::One(inner)),
        };
        let is_name = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_';
        if name.is_empty() || !name.bytes().all(is_name) {
            return Err("the name of a parameter must be letters, digits or '_'");
        }
        Ok(segment)
    }
}

/// The segments of a route's template; none for `/`.
pub(crate) fn segments(template: &str) -> Result<Vec<Segment<'_>>, &'static str> {
    let rest = template
        .strip_prefix('/')
        .ok_or("it must begin with a slash")?;
    if rest.is_empty() {
        return Ok(Vec::new());
    }
    let mut segments = Vec::new();
    for text in rest.split('/') {
        let segment = match text {
            "" => return Err("it must not have an empty segment or end with a slash"),
            "." | ".." => return Err("it must not have a segment '.' or '..'"),
            text => Segment::read(text)?,
        };
        if matches!(segments.last(), Some(Segment::Rest(_))) {
            return Err("'{*…}' must be the last segment");
        }
        if segment.parameter().is_some_and(|name| {
            segments
                .iter()
                .any(|other: &Segment| other.parameter() == Some(name))
        }) {
            return Err("two parameters must not have one name");
        }
        segments.push(segment);
    }
    Ok(segments)
}

/// Checks that `path` can be filled with the parameters of the route template `route`. In it, `{name}`
/// stands for either kind of parameter.
pub(crate) fn check_path(path: &str, route: &str) -> Result<(), String> {
    let has = segments(route)?;
    let wants = segments(path).map_err(|message| format!("capability path {path}: {message}"))?;
    for want in wants {
        if let Segment::Rest(name) = want {
            return Err(format!(
                "capability path {path}: write {{{name}}}, without '*'"
            ));
        }
        let Some(name) = want.parameter() else {
            continue;
        };
        if !has.iter().any(|segment| segment.parameter() == Some(name)) {
            return Err(format!(
                "capability path {path}: the route has no {{{name}}}"
            ));
        }
    }
    Ok(())
}

/// The path of a resource, with the parameters of a route in it: read once, filled for each
/// request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct PathTemplate {
    text: Cow<'static, str>,
    pieces: Vec<Piece>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Piece {
    /// Text that stands for itself, slashes included.
    Literal(String),
    /// The name of a parameter.
    Parameter(String),
}

impl PathTemplate {
    /// Reads a template that [`check_path`] accepts.
    pub(crate) fn new(text: Cow<'static, str>) -> Self {
        // Slashes are literal, so that a request copies few long pieces instead of many short ones.
        let mut pieces = Vec::new();
        let mut literal = String::new();
        for segment in text.strip_prefix('/').unwrap_or(&text).split('/') {
            literal.push('/');
            let name = segment
                .strip_prefix('{')
                .and_then(|rest| rest.strip_suffix('}'));
            match name {
                None => literal.push_str(segment),
                Some(name) => {
                    pieces.push(Piece::Literal(std::mem::take(&mut literal)));
                    pieces.push(Piece::Parameter(name.to_owned()));
                }
            }
        }
        if !literal.is_empty() {
            pieces.push(Piece::Literal(literal));
        }
        Self { text, pieces }
    }

    /// The template as it was written.
    pub(crate) fn as_str(&self) -> &str {
        &self.text
    }

    /// The path with the parameters of a request, written into `filled`; `None` where that is not
    /// a path that a resource can have.
    pub(crate) fn fill<'f>(
        &self,
        params: &Params<'_, '_>,
        filled: &'f mut Filled,
    ) -> Option<&'f str> {
        for piece in &self.pieces {
            match piece {
                Piece::Literal(text) => filled.push(text.as_bytes())?,
                Piece::Parameter(name) => filled.push_decoded(params.get(name)?)?,
            }
        }
        let text = std::str::from_utf8(&filled.0).ok()?;
        // Again, since decoding may bring in what no resource path may have.
        ResourcePath::check(text).ok().map(|()| text)
    }
}

/// Room for a template with the parameters of a request in it, decoded. Kept off the heap, because
/// the longest resource path is short, and in one place, because it is too long to be moved about.
#[derive(Debug, Default)]
pub(crate) struct Filled(ArrayVec<u8, { ResourcePath::MAX_BYTES }>);

impl Filled {
    fn push(&mut self, bytes: &[u8]) -> Option<()> {
        self.0.try_extend_from_slice(bytes).ok()
    }

    fn push_decoded(&mut self, text: &str) -> Option<()> {
        let mut plain = text.as_bytes().split(|byte| *byte == b'%');
        self.push(plain.next()?)?;
        for encoded in plain {
            let (digits, rest) = encoded.split_at_checked(2)?;
            let byte = decoded_digits(digits).ok()?;
            // A canonical path has no encoded slash; this must hold without that, too.
            if byte == b'/' {
                return None;
            }
            self.push(&[byte])?;
            self.push(rest)?;
        }
        Some(())
    }
}
