//! Decisions from an input: what it has not enough bytes for is zero.

/// An input, read from its start.
#[derive(Clone, Copy)]
pub struct Input<'a>(&'a [u8]);

impl<'a> Input<'a> {
    pub fn new(bytes: &'a [u8]) -> Input<'a> {
        Input(bytes)
    }

    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub fn byte(&mut self) -> u8 {
        self.take(1).first().copied().unwrap_or_default()
    }

    pub fn number(&mut self) -> usize {
        usize::from(u16::from_le_bytes([self.byte(), self.byte()]))
    }

    /// So many bytes, or what there is.
    pub fn take(&mut self, len: usize) -> &'a [u8] {
        let (taken, rest) = self.0.split_at(len.min(self.0.len()));
        self.0 = rest;
        taken
    }

    /// Bytes led by their number.
    pub fn led(&mut self) -> &'a [u8] {
        let len = self.byte();
        self.take(usize::from(len))
    }

    pub fn rest(self) -> &'a [u8] {
        self.0
    }
}

/// Where a stream is cut: pieces of random sizes, the same for the same seed.
#[derive(Clone, Copy)]
pub struct Cuts {
    state: u32,
    longest: u32,
    compared: bool,
}

impl Cuts {
    /// Nowhere.
    pub const NONE: Cuts = Cuts { state: 1, longest: 0, compared: false };

    pub fn new(seed: u8) -> Cuts {
        let longest = [1, 2, 4, 11, 64, 300][usize::from(seed % 6)];
        Cuts { state: 1 + u32::from(seed), longest, compared: seed >= 0xe0 }
    }

    /// Whether what comes of the stream is to be compared with what comes of it whole.
    /// That takes twice the time: for one seed in eight.
    pub fn are_compared(self) -> bool {
        self.compared
    }

    /// The size of the next piece, of so many bytes; of very many not too small.
    pub fn next(&mut self, len: usize) -> usize {
        if self.longest == 0 {
            return len;
        }
        self.state ^= self.state << 13;
        self.state ^= self.state >> 17;
        self.state ^= self.state << 5;
        len.min(1 + (self.state % self.longest) as usize).max(len / 8)
    }
}
