/// A directory as a server sends it, checked once when it is made: lookups and listings cannot fail afterwards.
///
/// Invariants: every chain ends; every entry lies within one page behind the page's header, has a name which ends
/// there, and shares no blob with another. An object without `flaw` also has true allocation tables, and keeps them
/// through every edit.
package struct DirectoryObject: Sendable {
  package struct Entry: Sendable, Hashable {
    package var name: [UInt8]
    package var vnode: UInt64
    package var unique: UInt32
    /// The blob where the entry begins: its place in a listing, stable while the entry lives.
    package var blob: Int
  }

  /// What is wrong with an object. Blobs are numbered through all pages, 64 a page.
  package enum Damage: Error, Hashable, Sendable {
    /// The size in bytes is no multiple of a page, or zero, or less than the page count says.
    case size(Int)
    /// The count is above the format's limit.
    case pageCount(Int)
    case pageTag(page: Int)
    /// A chain names a blob outside of the object or inside of a header.
    case outside(blob: Int)
    /// A blob belongs to two entries, or a chain loops.
    case shared(blob: Int)
    /// An entry without a name, or whose name does not end within its page.
    case entry(blob: Int)
    // What follows makes an object unfit for edits only.
    /// An entry in a chain where its name does not belong, or not marked as an entry: servers don't find it either.
    case wrongChain(blob: Int)
    /// The blobs that entries take are not those which the page marks, or the count of the free ones is wrong.
    case allocation(page: Int)
  }

  /// The object itself, whole pages; edited copies stay valid.
  package private(set) var bytes: [UInt8]
  /// Names, `.` and `..` among them.
  package internal(set) var entryCount: Int
  /// Why the object must not be edited; nil when it may.
  package let flaw: Damage?

  /// Takes what a server sent. Pages beyond the count in the header are dropped.
  /// - Throws: the first damage found that makes reading unsafe.
  package init(_ bytes: [UInt8]) throws(Damage) {
    let pageCount = try DirectorySurvey.pageCount(of: bytes)
    self.bytes = bytes
    self.bytes.removeSubrange((pageCount * DirectoryFormat.pageSize)...)
    let survey = try DirectorySurvey(self.bytes, pageCount: pageCount)
    entryCount = survey.entryCount
    flaw = survey.flaw
  }

  package var pageCount: Int { bytes.count / DirectoryFormat.pageSize }

  // MARK: Reading

  func word16(_ offset: Int) -> Int { bytes.word16(offset) }

  func word32(_ offset: Int) -> UInt32 { UInt32(word16(offset)) << 16 | UInt32(word16(offset + 2)) }

  func chainHead(_ chain: Int) -> Int { word16(DirectoryFormat.chainHeads + 2 * chain) }

  func next(after blob: Int) -> Int { word16(blob * DirectoryFormat.blobSize + 2) }

  func nameLength(at blob: Int) -> Int {
    let start = blob * DirectoryFormat.blobSize + 12
    var end = start
    while bytes[end] != 0 { end += 1 }
    return end - start
  }

  func entry(at blob: Int) -> Entry {
    let start = blob * DirectoryFormat.blobSize
    let name = Array(bytes[start + 12..<start + 12 + nameLength(at: blob)])
    return Entry(name: name, vnode: UInt64(word32(start + 4)), unique: word32(start + 8), blob: blob)
  }

  /// The entry's name ends with a NUL, so that a `name` without one can't lead beyond the object.
  private func hasName(_ name: [UInt8], at blob: Int) -> Bool {
    let start = blob * DirectoryFormat.blobSize + 12
    for index in 0..<name.count where bytes[start + index] != name[index] { return false }
    return bytes[start + name.count] == 0
  }

  func blob(named name: [UInt8]) -> Int? {
    guard !name.isEmpty, !name.contains(0) else { return nil }
    var blob = chainHead(DirectoryFormat.chain(of: name))
    while blob != 0 {
      if hasName(name, at: blob) { return blob }
      blob = next(after: blob)
    }
    return nil
  }

  /// The file that a name means.
  package func lookup(_ name: [UInt8]) -> Entry? {
    blob(named: name).map(entry(at:))
  }

  /// All entries, `.` and `..` among them, in the order of their blobs. A name with a slash, which no path can reach,
  /// is left out.
  package var entries: [Entry] {
    var blobs: [Int] = []
    blobs.reserveCapacity(entryCount)
    for chain in 0..<DirectoryFormat.hashChains {
      var blob = chainHead(chain)
      while blob != 0 {
        blobs.append(blob)
        blob = next(after: blob)
      }
    }
    blobs.sort()
    return blobs.map(entry(at:)).filter { !$0.name.contains(UInt8(ascii: "/")) }
  }

  // MARK: Writing, for the editor

  mutating func put16(_ value: Int, at offset: Int) {
    bytes[offset] = UInt8(truncatingIfNeeded: value >> 8)
    bytes[offset + 1] = UInt8(truncatingIfNeeded: value)
  }

  mutating func put32(_ value: UInt32, at offset: Int) {
    for index in 0..<4 { bytes[offset + index] = UInt8(truncatingIfNeeded: value >> UInt32(24 - 8 * index)) }
  }

  mutating func put(_ value: UInt8, at offset: Int) { bytes[offset] = value }

  mutating func put(_ text: [UInt8], at offset: Int) { bytes.replaceSubrange(offset..<offset + text.count, with: text) }

  mutating func appendPage() {
    bytes += [UInt8](repeating: 0, count: DirectoryFormat.pageSize)
  }

  /// An object that needs no check: the editor's.
  init(unchecked bytes: [UInt8], entryCount: Int) {
    self.bytes = bytes
    self.entryCount = entryCount
    flaw = nil
  }
}

extension [UInt8] {
  /// The 16-bit number at `offset`, most significant byte first.
  func word16(_ offset: Int) -> Int { Int(self[offset]) << 8 | Int(self[offset + 1]) }
}
