import AFSBase
import AFSRPC
import AFSTypes
import Testing

@testable import AFSClient

@Suite struct VolumeRecordTests {
  static let uuid = AFSUUID(high: 0x0AF8_0005_1234_5678, low: 9)

  static func u(
    name: String = "root.cell", count: Int32 = 2, flags: UInt32 = 0x1000 | 0x2000, sites: [UInt32] = [16 | 4, 16 | 2]
  ) -> UVLDBEntry {
    UVLDBEntry(
      name: Array(name.utf8), serverCount: count, serverNumber: Array(repeating: uuid, count: sites.count),
      serverUnique: Array(repeating: 7, count: sites.count), serverPartition: sites.indices.map { Int32($0) },
      serverFlags: sites, volumeID: [10, 11, 12], cloneID: 0, flags: flags, matchIndex: 0, spares: [])
  }

  static func n(flags: UInt32, sites: [UInt32]) -> NVLDBEntry {
    NVLDBEntry(
      name: Array("v".utf8), serverCount: Int32(sites.count), serverNumber: sites.map { _ in 0x0AF8_0001 },
      serverPartition: sites.map { _ in 0 }, serverFlags: sites, volumeID: [10, 11, 12], cloneID: 0, flags: flags,
      matchIndex: 0, spares: [])
  }

  @Test("An entry tells which volumes exist, and where")
  func entry() throws {
    let record = try #require(VolumeRecord(Self.u()))
    #expect(record.name == "root.cell")
    #expect(record.ids == [.readWrite: VolumeID(10), .readOnly: VolumeID(11)])
    let server = VolumeRecord.Server.uuid(Self.uuid, listVersion: 7)
    #expect(
      record.sites == [
        .init(server: server, partition: 0, kinds: [.readWrite]),
        .init(server: server, partition: 1, kinds: [.readOnly]),
      ])
  }

  @Test("Without its flag a UUID is an address")
  func address() throws {
    #expect(try #require(VolumeRecord(Self.u(sites: [4, 2]))).sites[0].server == .address(0x0AF8_0005))
  }

  @Test("The three generations of the interface mean the same")
  func generations() throws {
    let record = try #require(VolumeRecord(Self.n(flags: 0x7000, sites: [4 | 8, 2])))
    let old = VLDBEntry(
      name: Array("v".utf8) + [0, 7], spare3: 0, serverCount: 2, serverNumber: [0x0AF8_0001, 0x0AF8_0001],
      serverPartition: [0, 0], serverFlags: [4 | 8, 2], volumeID: [10, 11, 12], cloneID: 0, flags: 0x7000)
    #expect(VolumeRecord(old) == record)
    #expect(record.ids.count == 3)
    #expect(record.sites[0].kinds == [.readWrite, .backup])
  }

  @Test("Sites that are not to be used are left out; those of a new release are marked")
  func flags() throws {
    let record = try #require(VolumeRecord(Self.n(flags: 0x3000, sites: [4, 2 | 32, 2 | 1, 2])))
    #expect(record.sites.map(\.kinds) == [[.readWrite], [.readOnly], [.readOnly]])
    #expect(record.sites.map(\.isNewRelease) == [false, true, false])
  }

  @Test("A volume that the flags deny, or without a number, does not exist")
  func absent() throws {
    var entry = Self.n(flags: 0x3000, sites: [4])
    entry.volumeID = [10, 0, 12]
    #expect(try #require(VolumeRecord(entry)).ids == [.readWrite: VolumeID(10)])
    entry.volumeID = []
    #expect(try #require(VolumeRecord(entry)).ids == [:])
  }

  @Test(
    "A count beyond the arrays, or below zero, does not lead outside",
    arguments: [-1, 0, 1, 2, 3, .max, .min] as [Int32])
  func count(claimed: Int32) throws {
    let record = try #require(VolumeRecord(Self.u(count: claimed)))
    #expect(record.sites.count == min(2, max(0, Int(claimed))))
    var ragged = Self.u(count: claimed)
    ragged.serverFlags = [4]
    ragged.serverUnique = []
    #expect(try #require(VolumeRecord(ragged)).sites.count <= 1)
  }

  @Test("Names that no volume can have are refused", arguments: ["", "a b", "a/b", "a:b", "a\u{1B}[2J", "ä"])
  func names(name: String) {
    #expect(VolumeRecord(Self.u(name: name)) == nil)
  }
}
