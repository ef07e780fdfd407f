import Glibc

/// The file of a `file` run: a length a line, in units of four bytes; an empty line changes the direction from sending
/// to receiving (OpenAFS rxperf.c, readfile).
enum LengthList {
  static func read(_ path: String) throws(PerfError) -> [UInt32] {
    guard let file = fopen(path, "r") else { throw .malformed("\(path): \(String(cString: strerror(errno)))") }
    defer { fclose(file) }
    var entries: [UInt32] = []
    var line: UnsafeMutablePointer<CChar>?
    var room = 0
    defer { free(line) }
    while getline(&line, &room, file) > 0, let line {
      entries.append(try entry(String(cString: line), path, entries.count + 1))
      guard entries.count <= PerfRequest.entriesMax else {
        throw .malformed("\(path) has more than \(PerfRequest.entriesMax) lines")
      }
    }
    return entries
  }

  static func entry(_ line: String, _ path: String, _ number: Int) throws(PerfError) -> UInt32 {
    let words = line.split(whereSeparator: \.isWhitespace)
    guard let word = words.first else { return 0 }
    let value = word.hasPrefix("0x") ? UInt32(word.dropFirst(2), radix: 16) : UInt32(word)
    guard words.count == 1, let value, value <= UInt32(Int32.max) / 4 else {
      throw .malformed("\(path):\(number): '\(line.filter { !$0.isNewline })' is no length")
    }
    return value
  }
}
