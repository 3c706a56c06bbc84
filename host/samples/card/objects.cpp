/* C++ as a kernel driver can have it: classes and virtual functions, with memory that the driver allocates itself. */

#include "driver.h"

namespace {

ULONG Alive;

class Shape {
public:
    virtual ~Shape() { Alive--; }
    virtual ULONG Area() const { return 0; }

protected:
    Shape() { Alive++; }
};

class Rectangle final : public Shape {
public:
    Rectangle(ULONG width, ULONG height) : width_(width), height_(height) {}
    ULONG Area() const override { return width_ * height_; }

private:
    ULONG width_, height_;
};

/* Made by the compiler: nothing has to run for it. */
constexpr ULONG Sides[] = {3, 4};

} // namespace

void *operator new(size_t bytes) noexcept {
    return ExAllocatePool2(POOL_FLAG_NON_PAGED, bytes, 'drac');
}

void operator delete(void *object) noexcept {
    ExFreePoolWithTag(object, 'drac');
}

void operator delete(void *object, size_t) noexcept {
    operator delete(object);
}

static ULONG objects_are_made_and_deleted(WDFDEVICE device) {
    UNREFERENCED_PARAMETER(device);
    Shape *shape = new Rectangle(Sides[0], Sides[1]);
    HOLDS(shape != nullptr && Alive == 1 && shape->Area() == 12);
    delete shape;
    HOLDS(Alive == 0);
    return 0;
}

const CHECK ObjectChecks[] = {
    {"objects_are_made_and_deleted", objects_are_made_and_deleted},
    {NULL, NULL},
};
