import AFSTypes
import Testing

@testable import AFSClient

@Suite struct VolumeLocationTests {
  private let first = Sample.server(1)
  private let second = Sample.server(2)
  private let third = Sample.server(3)

  private func location(_ sites: [VolumeLocation.Site]) -> VolumeLocation {
    VolumeLocation(
      baseName: "v", ids: [.readWrite: VolumeID(1), .readOnly: VolumeID(2), .backup: VolumeID(3)], sites: sites)
  }

  @Test("Each kind of volume has its servers, each once; a backup lies beside its read-write volume")
  func kinds() {
    let location = location([
      .init(server: first, kinds: [.readWrite]), .init(server: first, kinds: [.readOnly]),
      .init(server: second, kinds: [.readOnly]), .init(server: second, kinds: [.readOnly]),
    ])
    #expect(location.candidates(for: .readWrite).map(\.server) == [first])
    #expect(location.candidates(for: .readOnly).map(\.server) == [first, second])
    #expect(location.candidates(for: .backup).map(\.server) == [first])
    #expect(location.candidates(for: .readOnly).allSatisfy { !$0.isOutdated })
  }

  @Test("When some sites have a new release, the others are outdated")
  func release() {
    let location = location([
      .init(server: first, kinds: [.readOnly]), .init(server: second, kinds: [.readOnly], isNewRelease: true),
      .init(server: third, kinds: [.readWrite]),
    ])
    #expect(location.candidates(for: .readOnly).map(\.isOutdated) == [true, false])
    #expect(location.candidates(for: .readWrite).map(\.isOutdated) == [false])
  }

  @Test("Volumes are known by number, and named by kind")
  func names() {
    let location = location([])
    #expect(location.kind(of: VolumeID(2)) == .readOnly)
    #expect(location.kind(of: VolumeID(9)) == nil)
    #expect([.readWrite, .readOnly, .backup].map(location.name) == ["v", "v.readonly", "v.backup"])
  }
}
