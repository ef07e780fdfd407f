internal import Glibc
package import Logging
internal import Synchronization
package import SystemPackage

/// The names of files that were removed while open, kept in a file: what a killed daemon leaves behind in its
/// directories is removed by the next one with the same state folder.
///
/// The file is text: a line with the format's version, then a line an event: `+` and a name that is about to be given, `-`
/// and one that is gone. A file of another version, and lines which make no sense, count for nothing: files then stay
/// behind under names that anybody may remove. Lines are not forced to the disk, so that a power failure may lose the last.
package final class HiddenNames: Sendable {
  package static let fileName = "hidden-names"
  static let header = "afsfuse hidden names 1"
  /// Names beyond it are not recorded.
  static let countMax = 10_000
  /// The file is written anew when it has so many lines more than twice what it must have.
  private static let excessMax = 1000

  private struct State {
    var names: Set<HiddenName> = []
    var lineCount = 0
    var file: FileDescriptor?
    var isBroken = false
    /// What is in the file is not ours: it goes with the first line that we have to write.
    var isForeign = false
  }

  private let path: FilePath
  private let log: Logger
  private let state = Mutex(State())
  /// What an earlier daemon has left.
  package let leftovers: [HiddenName]

  package init(in directory: FilePath, log: Logger) {
    path = directory.appending(Self.fileName)
    self.log = log
    let (lines, flaw) = Self.lines(of: path, log: log)
    leftovers = Self.names(in: lines)
    state.withLock { state in
      state.isForeign = flaw == .foreign
      state.names = Set(leftovers)
      state.lineCount = lines.count
      if lines.count > leftovers.count || flaw == .cutOff { rewrite(&state) }
    }
  }

  deinit { state.withLock { try? $0.file?.close() } }

  /// A file is about to get this name.
  package func add(_ name: HiddenName) {
    state.withLock { state in
      guard state.names.count < Self.countMax, state.names.insert(name).inserted else { return }
      append("+ \(name.line)\n", to: &state)
    }
  }

  /// The name is gone, or was never given.
  package func remove(_ name: HiddenName) {
    state.withLock { state in
      guard state.names.remove(name) != nil else { return }
      append("- \(name.line)\n", to: &state)
      if state.lineCount > 2 * state.names.count + Self.excessMax { rewrite(&state) }
    }
  }

  // MARK: The file

  /// Why nothing may be appended to the file.
  private enum Flaw {
    case foreign
    /// In the middle of its last line.
    case cutOff
  }

  private static func lines(of path: FilePath, log: Logger) -> ([Substring], Flaw?) {
    guard let text = readText(path, log: log), !text.isEmpty else { return ([], nil) }
    let lines = text.split(separator: "\n")
    guard lines.first == header[...] else {
      log.warning("\(path) is damaged or of another version: names in it are not removed")
      return ([], .foreign)
    }
    return (Array(lines.dropFirst()), text.utf8.last == UInt8(ascii: "\n") ? nil : .cutOff)
  }

  private static func readText(_ path: FilePath, log: Logger) -> String? {
    do {
      let file = try FileDescriptor.open(path, .readOnly)
      defer { try? file.close() }
      return String(decoding: try file.contents(), as: UTF8.self)
    } catch Errno.noSuchFileOrDirectory {
      return nil
    } catch {
      log.warning("\(path) can't be read: \(error)")
      return nil
    }
  }

  private static func names(in lines: [Substring]) -> [HiddenName] {
    var names: Set<HiddenName> = []
    for line in lines {
      guard let name = HiddenName(line: line.dropFirst(2)) else { continue }
      if line.hasPrefix("+ ") {
        if names.count < countMax { names.insert(name) }
      } else if line.hasPrefix("- ") {
        names.remove(name)
      }
    }
    return names.sorted { $0.line < $1.line }
  }

  private func append(_ line: String, to state: inout State) {
    // The name is in `state.names` already.
    if state.isForeign { return rewrite(&state) }
    do {
      if state.file == nil {
        let file = try FileDescriptor.open(
          path, .writeOnly, options: [.create, .append], permissions: [.ownerRead, .ownerWrite])
        state.file = file
        if try file.seek(offset: 0, from: .end) == 0 { try file.writeAll(Array("\(Self.header)\n".utf8)) }
      }
      try state.file?.writeAll(Array(line.utf8))
      state.lineCount += 1
    } catch {
      report(error, &state)
    }
  }

  /// Writes a new file and renames it: a crash leaves the old or the new one.
  private func rewrite(_ state: inout State) {
    let temporary = path.removingLastComponent().appending(Self.fileName + ".new")
    let lines = [Self.header] + state.names.map { "+ \($0.line)" }
    do {
      let file = try FileDescriptor.open(
        temporary, .writeOnly, options: [.create, .truncate, .append], permissions: [.ownerRead, .ownerWrite])
      do {
        try file.writeAll(Array((lines.joined(separator: "\n") + "\n").utf8))
        guard rename(temporary.string, path.string) == 0 else { throw Errno(rawValue: errno) }
      } catch {
        try? file.close()
        throw error
      }
      try? state.file?.close()
      state.file = file
      state.lineCount = state.names.count
      state.isForeign = false
    } catch {
      report(error, &state)
    }
  }

  /// Once: it concerns names only.
  private func report(_ error: any Error, _ state: inout State) {
    guard !state.isBroken else { return }
    state.isBroken = true
    log.warning("\(path) can't be written: \(error). Files removed while open stay behind if the daemon is killed")
  }
}
