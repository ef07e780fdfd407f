import AFSBase
import Testing

@testable import AFSMockServer

@Suite struct FilePagesTests {
  @Test("Random writes and truncations equal a plain array", arguments: 1...20 as ClosedRange<UInt64>)
  func model(seed: UInt64) {
    var generator = SeededGenerator(seed: seed)
    var pages = FilePages()
    var model: [UInt8] = []
    for _ in 0..<60 {
      if Bool.random(using: &generator) {
        let offset = Int.random(in: 0...300_000, using: &generator)
        let bytes = (0..<Int.random(in: 1...90_000, using: &generator)).map { _ in
          UInt8.random(in: 1...255, using: &generator)
        }
        if model.count < offset + bytes.count {
          model += [UInt8](repeating: 0, count: offset + bytes.count - model.count)
        }
        model.replaceSubrange(offset..<offset + bytes.count, with: bytes)
        pages.write(bytes, at: UInt64(offset))
      } else {
        let length = Int.random(in: 0...400_000, using: &generator)
        if length < model.count {
          model.removeLast(model.count - length)
        } else {
          model += [UInt8](repeating: 0, count: length - model.count)
        }
        pages.truncate(to: UInt64(length))
      }
      #expect(pages.length == UInt64(model.count))
    }
    #expect(pages.read(at: 0, count: .max) == model)
  }

  @Test("A hole of five gigabytes occupies nothing and reads as zeros")
  func sparse() {
    var pages = FilePages()
    pages.write([1], at: 5 << 30)
    #expect(pages.length == 5 << 30 + 1)
    #expect(pages.occupied <= 65_536)
    #expect(pages.read(at: (5 << 30) - 2, count: 10) == [0, 0, 1])
  }
}
