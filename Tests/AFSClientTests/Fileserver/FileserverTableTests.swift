import AFSBase
import AFSTypes
import RxCore
import Testing

@testable import AFSClient

@Suite struct FileserverTableTests {
  private let ours = RxAddress(ipv4: 0x0A00_0001, port: 7000)
  private let foreign = RxAddress(ipv4: 0x0A00_0002, port: 7000)

  @Test("Another cell's location servers cannot move a server of ours by naming its UUID")
  func foreignCell() throws {
    let table = FileserverTable()
    let uuid = AFSUUID(high: 1, low: 2)
    let home = try #require(CellName("home.example"))
    let evil = try #require(CellName("evil.example"))
    let server = table.server(.uuid(uuid, in: home), addresses: [ours], listVersion: 1)
    let other = table.server(.uuid(uuid, in: evil), addresses: [foreign], listVersion: 2)
    #expect(server !== other)
    #expect(server.addresses.map(\.address) == [ours])
    #expect(table.server(.uuid(uuid, in: home), addresses: [foreign], listVersion: 3) === server)
    #expect(server.addresses.map(\.address) == [foreign])
    #expect(table.servers(with: uuid).count == 2)
  }
}
