import AFSTypes
import Foundation
import Logging
import SystemPackage
import TestFolders
import Testing

@testable import AFSClient

@Suite struct HiddenNamesTests {
  private let folder = TemporaryFolder()
  private let log = Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }

  private func open() -> HiddenNames { HiddenNames(in: FilePath(folder.path), log: log) }

  private func name(_ number: UInt64) -> HiddenName {
    HiddenName(
      cell: CellName("mock.example")!, directory: FID(volume: VolumeID(7), vnode: 1, unique: 1),
      file: FID(volume: VolumeID(7), vnode: 2 * number, unique: UInt32(number)),
      name: Array(".__afs\(String(number, radix: 16, uppercase: true))".utf8), uid: 1000)
  }

  private var file: String { folder.path + "/" + HiddenNames.fileName }

  private func text() throws -> String { try String(contentsOfFile: file, encoding: .utf8) }

  @Test("What was given and not taken back is what the next daemon finds")
  func kept() {
    let names = open()
    #expect(names.leftovers.isEmpty)
    for number in 1...9 { names.add(name(UInt64(number))) }
    for number in 1...6 { names.remove(name(UInt64(number))) }
    #expect(Set(open().leftovers) == [name(7), name(8), name(9)])
  }

  @Test("A line that was cut off, and lines that make no sense, count for nothing")
  func damaged() throws {
    let lines = [
      HiddenNames.header, "+ \(name(1).line)", "garbage", "+ a..b 1 1 1 1 2 1 0 .__afs1", "? \(name(2).line)",
      "+ \(name(3).line.dropLast(2))", "+ \(name(4).line)x", "+ mock.example 7 1 1 7 4 2 1000 precious",
      "- \(name(5).line)", "+ \(name(6).line)",
    ]
    try lines.joined(separator: "\n").write(toFile: file, atomically: true, encoding: .utf8)
    #expect(Set(open().leftovers) == [name(1), name(6)])
    #expect(try text().split(separator: "\n").count == 3)
  }

  @Test("A file of another version is left alone until there is something to write")
  func otherVersion() throws {
    try "afsfuse hidden names 9\n+ \(name(1).line)\n".write(toFile: file, atomically: true, encoding: .utf8)
    #expect(open().leftovers.isEmpty)
    #expect(try text().hasPrefix("afsfuse hidden names 9"))
  }

  @Test(
    "The first name that is written replaces a damaged or foreign file",
    arguments: ["afsfuse hidden names 9\n+ x\n", "afsfuse hid", "\n", "\0\0\0\0"])
  func replaced(text: String) throws {
    try text.write(toFile: file, atomically: true, encoding: .utf8)
    let names = open()
    for number in 1...3 { names.add(name(UInt64(number))) }
    names.remove(name(2))
    #expect(Set(open().leftovers) == [name(1), name(3)])
  }

  @Test("A line that lacks only its end is not joined with the next one")
  func cutOff() throws {
    try "\(HiddenNames.header)\n+ \(name(1).line)".write(toFile: file, atomically: true, encoding: .utf8)
    let names = open()
    names.add(name(2))
    #expect(Set(open().leftovers) == [name(1), name(2)])
  }

  @Test("The file does not grow with what is gone")
  func compaction() throws {
    let names = open()
    names.add(name(1))
    for number in 2...3000 {
      names.add(name(UInt64(number)))
      names.remove(name(UInt64(number)))
    }
    #expect(try text().split(separator: "\n").count < 1100)
    #expect(open().leftovers == [name(1)])
  }

  @Test("A folder that cannot be written costs nobody anything")
  func unwritable() {
    let names = HiddenNames(in: "/proc/nowhere", log: log)
    names.add(name(1))
    names.remove(name(1))
    #expect(names.leftovers.isEmpty)
  }

  @Test("More names than the limit are not recorded")
  func bounded() {
    let names = open()
    for number in 1...(HiddenNames.countMax + 5) { names.add(name(UInt64(number))) }
    #expect(open().leftovers.count == HiddenNames.countMax)
  }
}
